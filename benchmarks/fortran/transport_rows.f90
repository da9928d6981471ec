!> Rows of continuity and of the advection of tracers, which `transport` calls level by level.
!>
!> Rows, as in momentum.f90.
module transport_rows
  use precision, only: rk
  implicit none
  private
  public :: extrapolate_row, corrected_row, transport_row, divergence_row, flux_row, diffusion_row, continuity_row, &
            tracer_row, relax_surface_row

contains

  pure subroutine extrapolate_row(n, weights, now, one, two, ahead)
    integer, intent(in) :: n
    real(rk), intent(in) :: weights(3), now(n), one(n), two(n)
    real(rk), intent(out) :: ahead(n)
    integer :: i
    do i = 1, n
      ahead(i) = weights(1) * now(i) + (weights(2) * one(i)) + weights(3) * two(i)
    end do
  end subroutine extrapolate_row

  pure subroutine corrected_row(n, change, correction, width, velocity, transport)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: change, correction, width
    real(rk), intent(inout) :: velocity(n)
    real(rk), intent(out) :: transport(n)
    integer :: i
    do i = 1, n
      velocity(i) = velocity(i) + change(i)
      transport(i) = width(i) * (velocity(i) + correction(i))
    end do
  end subroutine corrected_row

  pure subroutine transport_row(n, width, velocity, transport)
    integer, intent(in) :: n
    real(rk), intent(in) :: width(n), velocity(n)
    real(rk), intent(out) :: transport(n)
    integer :: i
    do i = 1, n
      transport(i) = width(i) * velocity(i)
    end do
  end subroutine transport_row

  !> What leaves the cells of a row; the flux through their northern faces takes the place of the southern one.
  pure subroutine divergence_row(n, inverse_area, west, north, south, divergence)
    integer, intent(in) :: n
    real(rk), intent(in) :: inverse_area, west(n + 1), north(n)
    real(rk), intent(inout) :: south(n)
    real(rk), intent(out) :: divergence(n)
    integer :: i
    do i = 1, n
      divergence(i) = inverse_area * (west(i + 1) - west(i) + (north(i) - south(i)))
      south(i) = north(i)
    end do
  end subroutine divergence_row

  !> Third-order upwind-biased flux, from the two values before and the two behind a face in any direction.
  pure subroutine flux_row(n, transport, c2, c1, d1, d2, flux)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: transport, c2, c1, d1, d2
    real(rk), intent(out) :: flux(n)
    real(rk) :: step
    integer :: i
    do i = 1, n
      step = d1(i) - c1(i)
      flux(i) = transport(i) * (0.5_rk * (c1(i) + d1(i)) &
                                - (merge(step - (c1(i) - c2(i)), d2(i) - d1(i) - step, transport(i) > 0.0_rk) * (1.0_rk / 6.0_rk)))
    end do
  end subroutine flux_row

  pure subroutine diffusion_row(n, factor, width, c1, d1, flux)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor
    real(rk), intent(in), dimension(n) :: width, c1, d1
    real(rk), intent(inout) :: flux(n)
    integer :: i
    do i = 1, n
      flux(i) = flux(i) - factor * width(i) * (d1(i) - c1(i))
    end do
  end subroutine diffusion_row

  pure subroutine continuity_row(n, dr, rise, divergence, w, w_above)
    integer, intent(in) :: n
    real(rk), intent(in) :: dr, rise(n), divergence(n), w(n)
    real(rk), intent(out) :: w_above(n)
    integer :: i
    do i = 1, n
      w_above(i) = w(i) + dr * (rise(i) - divergence(i))
    end do
  end subroutine continuity_row

  !> The tracer one step later; the flux through the upper face takes the place of the lower one.
  pure subroutine tracer_row(n, dt, inverse_dr, stretching, inverse_new, divergence, upper, lower, now, new)
    integer, intent(in) :: n
    real(rk), intent(in) :: dt, inverse_dr
    real(rk), intent(in), dimension(n) :: stretching, inverse_new, divergence, upper, now
    real(rk), intent(inout) :: lower(n)
    real(rk), intent(out) :: new(n)
    integer :: i
    do i = 1, n
      new(i) = (stretching(i) * now(i) - (dt * (divergence(i) + inverse_dr * (upper(i) - lower(i))))) * inverse_new(i)
      lower(i) = upper(i)
    end do
  end subroutine tracer_row

  !> Adds the relaxation of a row to its divergence (its unit per s and reference thickness).
  pure subroutine relax_surface_row(n, rate, target, stretching, c, divergence)
    integer, intent(in) :: n
    real(rk), intent(in) :: rate, target, stretching(n), c(n)
    real(rk), intent(inout) :: divergence(n)
    integer :: i
    do i = 1, n
      divergence(i) = divergence(i) + rate * stretching(i) * (c(i) - target)
    end do
  end subroutine relax_surface_row
end module transport_rows
