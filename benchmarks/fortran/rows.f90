!> What sea floor does to a row of cells; levels above all of it never come here.
module rows
  use precision, only: rk
  implicit none
  private
  public :: close_row, choose_row, keep_row

contains

  !> Zero where level k is closed.
  pure subroutine close_row(n, k, floor, values)
    integer, intent(in) :: n, k, floor(n)
    real(rk), intent(inout) :: values(n)
    integer :: i
    do i = 1, n
      values(i) = merge(values(i), 0.0_rk, k >= floor(i))
    end do
  end subroutine close_row

  !> Values where level k is open, others where it is closed.
  pure subroutine choose_row(n, k, floor, values, others, chosen)
    integer, intent(in) :: n, k, floor(n)
    real(rk), intent(in) :: values(n), others(n)
    real(rk), intent(out) :: chosen(n)
    integer :: i
    do i = 1, n
      chosen(i) = merge(values(i), others(i), k >= floor(i))
    end do
  end subroutine choose_row

  !> The old value below the sea floor.
  pure subroutine keep_row(n, k, floor, old, values)
    integer, intent(in) :: n, k, floor(n)
    real(rk), intent(in) :: old(n)
    real(rk), intent(inout) :: values(n)
    integer :: i
    do i = 1, n
      values(i) = merge(values(i), old(i), k >= floor(i))
    end do
  end subroutine keep_row
end module rows
