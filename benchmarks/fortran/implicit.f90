!> Mixing across the levels and drag on the sea floor, implicit in time: one tridiagonal solve for each row of a field
!> (dycore/equations/velocity.py, vertical_mixing.py, tracers.py).
module implicit
  use precision, only: rk
  use memory, only: zeros
  use grid_module, only: grid_type
  use rows, only: close_row
  use implicit_rows
  implicit none
  private
  public :: solve_velocity, solve_tracers

  real(rk), pointer, contiguous, dimension(:, :) :: ratio => null(), value  ! (i, k)
  real(rk), pointer, contiguous, dimension(:, :) :: exchange                ! (i, parity of the level), through its lower face
  real(rk), pointer, contiguous, dimension(:) :: down, pivot

contains

  subroutine prepare(g)
    type(grid_type), intent(in) :: g

    if (associated(ratio)) return
    ratio(g%west:g%east, 0:g%nz) => zeros(g%stride * (g%nz + 1))
    value(g%west:g%east, 0:g%nz) => zeros(g%stride * (g%nz + 1))
    exchange(g%west:g%east, 0:1) => zeros(g%stride * 2)
    down(g%west:g%east) => zeros(g%stride)
    pivot(g%west:g%east) => zeros(g%stride)
  end subroutine prepare

  !> A row of either component after its explicit change, and its sums over the levels before and after. `viscosity` is that of
  !> the cells on one side of the faces, `other` that on the other side, the cells `shift` to the west of these.
  subroutine solve_velocity(g, dt, drag, open_level, floor, inverse, viscosity, other, shift, change, velocity, sum_before, sum_after)
    type(grid_type), intent(in) :: g
    real(rk), intent(in) :: dt, drag  ! s, m/s
    integer, intent(in) :: open_level, shift, floor(g%west:g%east)
    real(rk), intent(in) :: inverse(g%west:g%east)  ! 1 / stretching
    real(rk), intent(in), dimension(g%west:g%east, g%nz) :: viscosity, other, change
    real(rk), intent(inout) :: velocity(g%west:g%east, g%nz)
    real(rk), intent(inout), dimension(g%west:g%east) :: sum_before, sum_after
    integer :: k, nx, lower, upper

    call prepare(g)
    nx = g%nx
    exchange(1:nx, 1) = 0.0_rk
    call drag_exchange_row(nx, 1, floor(1), dt * drag, inverse(1), exchange(1:, 1))
    do k = 1, g%nz
      lower = modulo(k, 2)
      upper = 1 - lower
      if (k < g%nz) then
        call exchange_row(nx, 0.5_rk * dt * g%inverse_distance(k + 1), inverse(1), viscosity(1, k + 1), other(1 - shift, k + 1), exchange(1:, upper))
        if (k < open_level) call drag_exchange_row(nx, k + 1, floor(1), dt * drag, inverse(1), exchange(1:, upper))
      else
        exchange(1:nx, upper) = 0.0_rk
      end if
      call eliminate_velocity_row(nx, dt, g%dr(k), g%inverse_dr(k), change(1, k), velocity(1, k), exchange(1:, lower), exchange(1:, upper), &
                                  ratio(1:, k - 1), value(1:, k - 1), sum_before(1), ratio(1:, k), value(1:, k))
      if (k < open_level) then
        call close_row(nx, k, floor(1), ratio(1:, k))
        call close_row(nx, k, floor(1), value(1:, k))
      end if
    end do
    pivot(1:nx) = 0.0_rk
    do k = g%nz, 1, -1
      call substitute_velocity_row(nx, g%dr(k), ratio(1:, k), value(1:, k), pivot(1:), velocity(1, k), sum_after(1))
    end do
  end subroutine solve_velocity

  !> All tracers of row j, in place, with the diffusivity at their lower faces: zero at the sea floor and below it.
  subroutine solve_tracers(g, n_tracers, dt, inverse, diffusivity, j, time, c)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n_tracers, j, time
    real(rk), intent(in) :: dt
    real(rk), intent(in) :: inverse(g%west:g%east)  ! 1 / stretching after the step
    real(rk), intent(in) :: diffusivity(g%west:g%east, g%nz)
    real(rk), intent(inout) :: c(g%west:g%east, g%nz, g%south:g%north, 3, n_tracers)
    integer :: k, m, nx, lower, upper

    call prepare(g)
    nx = g%nx
    exchange(1:nx, 1) = 0.0_rk
    do k = 1, g%nz
      lower = modulo(k, 2)
      upper = 1 - lower
      if (k < g%nz) then
        call exchange_row(nx, 0.5_rk * dt * g%inverse_distance(k + 1), inverse(1), diffusivity(1, k + 1), diffusivity(1, k + 1), exchange(1:, upper))
      else
        exchange(1:nx, upper) = 0.0_rk
      end if
      call pivot_row(nx, g%inverse_dr(k), exchange(1:, lower), exchange(1:, upper), ratio(1:, k - 1), down(1:), pivot(1:), ratio(1:, k))
      do m = 1, n_tracers
        call eliminate_row(nx, down(1:), pivot(1:), c(1, max(k - 1, 1), j, time, m), c(1, k, j, time, m))
      end do
    end do
    do k = g%nz - 1, 1, -1
      do m = 1, n_tracers
        call substitute_row(nx, ratio(1:, k), c(1, k + 1, j, time, m), c(1, k, j, time, m))
      end do
    end do
  end subroutine solve_tracers
end module implicit
