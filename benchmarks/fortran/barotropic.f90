!> The fast mode: depth-mean velocity and moving boundary in short forward-backward steps (dycore/barotropic.py).
module barotropic
  use precision, only: rk, real64
  use grid_module, only: grid_type
  use cases, only: parameters_type, averaging_weights
  use column_module, only: column_type
  use momentum, only: means_type
  use halo_module, only: fill, centre, west_face, south_face
  implicit none
  private
  public :: step_depth_mean

  real(rk), allocatable, dimension(:, :) :: u, v, forcing_u, forcing_v, change
  real(rk), allocatable, dimension(:, :) :: transport_u, transport_v, mean_u, mean_v
  real(rk), allocatable, dimension(:, :) :: flux_u, flux_v  ! (i, parity of the row)

contains

  !> Replaces the depth means of velocity after the step by what has to be added to every level. What the velocity
  !> then lacks of the averaged transport goes to correction_u, v (m/s), minus dR/dt (unit of r per s) to total.
  subroutine step_depth_mean(g, p, column, means, correction_u, correction_v, total)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(column_type), intent(in) :: column
    type(means_type), intent(inout) :: means
    real(rk), intent(inout), dimension(g%west:g%east, g%south:g%north) :: correction_u, correction_v, total
    real(real64), allocatable :: a(:), b(:)
    real(real64) :: fraction
    real(rk) :: substep, gravity
    integer :: i, j, m, nx

    nx = g%nx
    if (.not. allocated(u)) then
      allocate (u(g%west:g%east, g%south:g%north), source=0.0_rk)
      allocate (v, forcing_u, forcing_v, change, transport_u, transport_v, mean_u, mean_v, source=u)
      allocate (flux_u(nx + 1, 0:1), flux_v(nx + 1, 0:1), source=0.0_rk)
    end if
    call averaging_weights(p%substeps, a, b, fraction)
    substep = real(fraction * p%time_step, rk)
    gravity = real(p%external, rk)
    call fill(g, 1, west_face, means%u_before)
    call fill(g, 1, south_face, means%v_before)
    call fill(g, 1, west_face, means%u)
    call fill(g, 1, south_face, means%v)
    u = means%u_before
    v = means%v_before
    forcing_u = (means%u - u) * real(1.0_real64 / p%time_step, rk)
    forcing_v = (means%v - v) * real(1.0_real64 / p%time_step, rk)
    change = 0.0_rk
    transport_u = 0.0_rk
    transport_v = 0.0_rk
    mean_u = 0.0_rk
    mean_v = 0.0_rk

    do m = 1, size(a)
      ! One pass a substep: the surface of row j - 1 moves when the velocity of row j has read it.
      do j = 1, g%ny + 1
        call step_velocity_row(real(a(m), rk), real(b(m), rk))
        if (j > 1) call step_surface_row
      end do
      call fill(g, 1, centre, change)
    end do

    do j = 1, g%ny + 1
      !$omp simd
      do i = 1, nx + 1
        correction_u(i, j) = transport_u(i, j) * g%inverse_thickness_u(i, j) / column%width_u(i, j) - mean_u(i, j)
        correction_v(i, j) = transport_v(i, j) * g%inverse_thickness_v(i, j) &
                             / merge(column%width_v(i, j), 1.0_rk, g%dx_v(j) > 0.0_rk) - mean_v(i, j)
        means%u(i, j) = mean_u(i, j) - means%u(i, j)
        means%v(i, j) = mean_v(i, j) - means%v(i, j)
      end do
    end do
    do j = 1, g%ny
      !$omp simd
      do i = 1, nx
        total(i, j) = g%inverse_area(j) * (transport_u(i + 1, j) - transport_u(i, j) + (transport_v(i, j + 1) - transport_v(i, j)))
      end do
    end do

  contains

    subroutine step_velocity_row(weight, transport_weight)
      real(rk), intent(in) :: weight, transport_weight
      real(rk) :: push, width, stretch
      integer :: here

      here = modulo(j, 2)
      !$omp simd private(push, width, stretch)
      do i = 1, nx + 1
        stretch = change(i, j) * g%inverse_thickness(i, j)
        push = forcing_u(i, j) - gravity * (change(i, j) - change(i - 1, j)) * g%inverse_dx_u(j)
        u(i, j) = merge(u(i, j) + substep * push, 0.0_rk, g%thickness_u(i, j) > 0.0_rk)
        width = column%width_u(i, j) + 0.5_rk * g%dy * (stretch + change(i - 1, j) * g%inverse_thickness(i - 1, j))
        flux_u(i, here) = width * g%thickness_u(i, j) * u(i, j)
        mean_u(i, j) = mean_u(i, j) + weight * u(i, j)
        transport_u(i, j) = transport_u(i, j) + transport_weight * flux_u(i, here)

        push = forcing_v(i, j) - gravity * (change(i, j) - change(i, j - 1)) * g%inverse_dy
        v(i, j) = merge(v(i, j) + substep * push, 0.0_rk, g%thickness_v(i, j) > 0.0_rk)
        width = column%width_v(i, j) + 0.5_rk * g%dx_v(j) * (stretch + change(i, j - 1) * g%inverse_thickness(i, j - 1))
        flux_v(i, here) = width * g%thickness_v(i, j) * v(i, j)
        mean_v(i, j) = mean_v(i, j) + weight * v(i, j)
        transport_v(i, j) = transport_v(i, j) + transport_weight * flux_v(i, here)
      end do
    end subroutine step_velocity_row

    subroutine step_surface_row
      integer :: north, south

      north = modulo(j, 2)
      south = 1 - north
      !$omp simd
      do i = 1, nx
        change(i, j - 1) = change(i, j - 1) - substep * g%inverse_area(j - 1) &
                           * (flux_u(i + 1, south) - flux_u(i, south) + (flux_v(i, north) - flux_v(i, south)))
      end do
    end subroutine step_surface_row
  end subroutine step_depth_mean
end module barotropic
