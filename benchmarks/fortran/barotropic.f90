!> The fast mode: depth-mean velocity and moving boundary in short forward-backward steps (dycore/equations/barotropic.py).
!>
!> Towards other processes the substeps begin with a wide halo, and each works on one row and column less than the one
!> before it, until the last one comes to the own cells: so no messages are needed between them, or only now and then
!> where the parts of the grid are small.
module barotropic
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk, real64
  use grid_module, only: grid_type
  use cases, only: parameters_type, averaging_weights, substeps_between_messages
  use column_module, only: column_type
  use momentum, only: means_type
  use halo_module, only: exchange_type, fill_rows, centre, west_face, south_face
  implicit none
  private
  public :: prepare_depth_mean, step_depth_mean, traffic_of_depth_mean

  real(rk), allocatable, target, dimension(:, :) :: u, v, change
  real(rk), allocatable, dimension(:, :) :: forcing_u, forcing_v, transport_u, transport_v, mean_u, mean_v
  real(rk), allocatable, dimension(:, :) :: flux_u, flux_v, stretch  ! (i, parity of the row)
  integer, public, protected :: between       ! substeps between messages
  real(real64), allocatable :: a(:), b(:)     ! averaging weights
  real(real64) :: fraction                    ! length of a substep in steps
  type(exchange_type) :: again                ! of what the substeps have changed

contains

  subroutine prepare_depth_mean(g, p)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    integer :: reach(4)

    call averaging_weights(p%substeps, a, b, fraction)
    between = substeps_between_messages(p%substeps, [g%nz, g%all_ny, g%all_nx], g%processes)
    allocate (u(g%far_west:g%far_east, g%far_south:g%far_north), source=0.0_rk)
    allocate (v, change, forcing_u, forcing_v, transport_u, transport_v, mean_u, mean_v, source=u)
    allocate (flux_u(g%far_west:g%far_east, 0:1), flux_v(g%far_west:g%far_east, 0:1), &
              stretch(g%far_west:g%far_east, 0:1), source=0.0_rk)
    if (between == size(a)) return
    reach = merge(between, 1, [g%split_y, g%split_y, g%split_x, g%split_x])
    call again%add(1, west_face, reach, rows_filled=.false.)
    call again%add(1, south_face, reach, rows_filled=.false.)
    call again%add(1, centre, reach, rows_filled=.false.)
    call again%connect(g)
    again%fields(1)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => u
    again%fields(2)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => v
    again%fields(3)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => change
  end subroutine prepare_depth_mean

  !> Messages and bytes that this process sends in one step.
  function traffic_of_depth_mean() result(sent)
    integer(int64) :: sent(2)
    sent = 0
    if (between < size(a)) sent = (size(a) - 1) / between * again%traffic()
  end function traffic_of_depth_mean

  !> Replaces the depth means of velocity after the step by what has to be added to every level; the halos of all means
  !> are filled. What the velocity then lacks of the averaged transport goes to correction_u, v (m/s), minus dR/dt (unit of
  !> r per s) to total.
  subroutine step_depth_mean(g, p, column, means, correction_u, correction_v, total)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(column_type), intent(in) :: column
    type(means_type), intent(inout) :: means
    real(rk), intent(inout), dimension(g%far_west:g%far_east, g%far_south:g%far_north) :: correction_u, correction_v, total
    real(rk) :: substep, gravity
    integer :: i, j, m, more, nx, first_i, last_i, first_j, last_j

    nx = g%nx
    substep = real(fraction * p%time_step, rk)
    gravity = real(p%external, rk)
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
      if (m > 1 .and. modulo(m - 1, between) == 0) call again%run(g)
      more = min(between - modulo(m - 1, between), size(a) - m + 1) - 1  ! to come before the next messages
      first_i = merge(1 - more, 1, g%split_x)
      last_i = merge(nx + more, nx, g%split_x)
      first_j = merge(1 - more, 1, g%split_y .and. .not. g%at_south)
      last_j = merge(g%ny + more, g%ny, g%split_y .and. .not. g%at_north)
      ! One pass a substep: the surface of row j - 1 moves when the velocity of row j has read it.
      do j = first_j, last_j + 1
        call step_velocity_row(real(a(m), rk), real(b(m), rk))
        if (j > first_j) call step_surface_row
      end do
      call fill_rows(g, last_j - first_j + 1, change(:, first_j:last_j))
      if (g%at_south) change(:, 0) = change(:, 1)
      if (g%at_north) change(:, g%ny + 1) = change(:, g%ny)
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
      integer :: here, south, n

      here = modulo(j, 2)
      south = 1 - here
      n = last_i - first_i + 2
      call product_row(n + 1, change(first_i - 1, j), g%inverse_thickness(first_i - 1, j), stretch(first_i - 1, here))
      if (j == first_j) call product_row(n, change(first_i, j - 1), g%inverse_thickness(first_i, j - 1), stretch(first_i, south))
      associate (i => first_i)
        call velocity_row(n, substep, gravity, g%inverse_dx_u(j), 0.5_rk * g%dy, weight, transport_weight, forcing_u(i, j), &
                          change(i, j), change(i - 1, j), stretch(i, here), stretch(i - 1, here), column%width_u(i:, j), &
                          g%thickness_u(i, j), u(i, j), flux_u(i, here), mean_u(i, j), transport_u(i, j))
        call velocity_row(n, substep, gravity, g%inverse_dy, 0.5_rk * g%dx_v(j), weight, transport_weight, forcing_v(i, j), &
                          change(i, j), change(i, j - 1), stretch(i, here), stretch(i, south), column%width_v(i:, j), &
                          g%thickness_v(i, j), v(i, j), flux_v(i, here), mean_v(i, j), transport_v(i, j))
      end associate
    end subroutine step_velocity_row

    subroutine step_surface_row
      integer :: north, south

      north = modulo(j, 2)
      south = 1 - north
      !$omp simd
      do i = first_i, last_i
        change(i, j - 1) = change(i, j - 1) - substep * g%inverse_area(j - 1) &
                           * (flux_u(i + 1, south) - flux_u(i, south) + (flux_v(i, north) - flux_v(i, south)))
      end do
    end subroutine step_surface_row
  end subroutine step_depth_mean

  ! Rows, as in momentum.f90.

  pure subroutine product_row(n, a, b, product)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n), b(n)
    real(rk), intent(out) :: product(n)
    integer :: i
    do i = 1, n
      product(i) = a(i) * b(i)
    end do
  end subroutine product_row

  !> Either component; `other` is the cell west or south of the face.
  pure subroutine velocity_row(n, substep, gravity, inverse_distance, half_length, weight, transport_weight, forcing, change, other, &
                               stretch, other_stretch, width, thickness, velocity, flux, mean, transport)
    integer, intent(in) :: n
    real(rk), intent(in) :: substep, gravity, inverse_distance, half_length, weight, transport_weight
    real(rk), intent(in), dimension(n) :: forcing, change, other, stretch, other_stretch, width, thickness
    real(rk), intent(inout), dimension(n) :: velocity, mean, transport
    real(rk), intent(out) :: flux(n)
    real(rk) :: moved
    integer :: i
    !$omp simd private(moved)
    do i = 1, n
      moved = velocity(i) + substep * (forcing(i) - gravity * (change(i) - other(i)) * inverse_distance)
      velocity(i) = merge(moved, 0.0_rk, thickness(i) > 0.0_rk)
      flux(i) = (width(i) + half_length * (stretch(i) + other_stretch(i))) * thickness(i) * velocity(i)
      mean(i) = mean(i) + weight * velocity(i)
      transport(i) = transport(i) + transport_weight * flux(i)
    end do
  end subroutine velocity_row
end module barotropic
