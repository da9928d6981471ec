!> Rows of the implicit solves of a column (dycore/closures/columns.py: eliminate), level by level; as in momentum_rows.f90.
!>
!> `exchange` is what a step exchanges through a face times the thickness of the level it is given to: through the lower face
!> of a level, or the upper one. `ratio` and `value` of the level below give q(k - 1) = value + ratio q(k).
module implicit_rows
  use precision, only: rk
  implicit none
  private
  public :: exchange_row, drag_exchange_row, eliminate_velocity_row, substitute_velocity_row, pivot_row, eliminate_row, substitute_row

contains

  !> From the coefficients of two columns about a face, or of one column twice.
  pure subroutine exchange_row(n, factor, inverse, one, other, exchange)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor
    real(rk), intent(in), dimension(n) :: inverse, one, other
    real(rk), intent(out) :: exchange(n)
    integer :: i
    do i = 1, n
      exchange(i) = factor * (inverse(i) * inverse(i)) * (one(i) + other(i))
    end do
  end subroutine exchange_row

  !> Drag on the floor of a level, where there is one, is an exchange with something at rest.
  pure subroutine drag_exchange_row(n, k, floor, drag, inverse, exchange)
    integer, intent(in) :: n, k, floor(n)
    real(rk), intent(in) :: drag, inverse(n)
    real(rk), intent(inout) :: exchange(n)
    integer :: i
    do i = 1, n
      exchange(i) = merge(drag * inverse(i), merge(exchange(i), 0.0_rk, k > floor(i)), k == floor(i))
    end do
  end subroutine drag_exchange_row

  !> Adds the explicit change to a velocity, and its value before to a sum over levels.
  pure subroutine eliminate_velocity_row(n, dt, dr, inverse_dr, change, velocity, lower, upper, ratio_below, value_below, sum_before, ratio, value)
    integer, intent(in) :: n
    real(rk), intent(in) :: dt, dr, inverse_dr
    real(rk), intent(in), dimension(n) :: change, velocity, lower, upper, ratio_below, value_below
    real(rk), intent(inout) :: sum_before(n)
    real(rk), intent(out), dimension(n) :: ratio, value
    real(rk) :: down, up, pivot
    integer :: i
    do i = 1, n
      down = inverse_dr * lower(i)
      up = inverse_dr * upper(i)
      pivot = 1.0_rk / (1.0_rk + up + down * (1.0_rk - ratio_below(i)))
      sum_before(i) = sum_before(i) + dr * velocity(i)
      ratio(i) = up * pivot
      value(i) = (velocity(i) + dt * change(i) + down * value_below(i)) * pivot
    end do
  end subroutine eliminate_velocity_row

  !> `carried` is the velocity of the level above on entry, that of this level on return.
  pure subroutine substitute_velocity_row(n, dr, ratio, value, carried, velocity, sum_after)
    integer, intent(in) :: n
    real(rk), intent(in) :: dr, ratio(n), value(n)
    real(rk), intent(inout), dimension(n) :: carried, sum_after
    real(rk), intent(out) :: velocity(n)
    integer :: i
    do i = 1, n
      carried(i) = value(i) + ratio(i) * carried(i)
      velocity(i) = carried(i)
      sum_after(i) = sum_after(i) + dr * carried(i)
    end do
  end subroutine substitute_velocity_row

  !> What the solves of all tracers share.
  pure subroutine pivot_row(n, inverse_dr, lower, upper, ratio_below, down, pivot, ratio)
    integer, intent(in) :: n
    real(rk), intent(in) :: inverse_dr
    real(rk), intent(in), dimension(n) :: lower, upper, ratio_below
    real(rk), intent(out), dimension(n) :: down, pivot, ratio
    real(rk) :: up
    integer :: i
    do i = 1, n
      down(i) = inverse_dr * lower(i)
      up = inverse_dr * upper(i)
      pivot(i) = 1.0_rk / (1.0_rk + up + down(i) * (1.0_rk - ratio_below(i)))
      ratio(i) = up * pivot(i)
    end do
  end subroutine pivot_row

  pure subroutine eliminate_row(n, down, pivot, value_below, value)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: down, pivot, value_below
    real(rk), intent(inout) :: value(n)
    integer :: i
    do i = 1, n
      value(i) = (value(i) + down(i) * value_below(i)) * pivot(i)
    end do
  end subroutine eliminate_row

  pure subroutine substitute_row(n, ratio, above, value)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: ratio, above
    real(rk), intent(inout) :: value(n)
    integer :: i
    do i = 1, n
      value(i) = value(i) + ratio(i) * above(i)
    end do
  end subroutine substitute_row
end module implicit_rows
