!> How many processes share y and x.
module shapes
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: real64
  use grid_module, only: halo
  implicit none
  private
  public :: choose_shape, check_shape

contains

  !> The shape that moves least and leaves enough cells to each process: lines of the halo, columns dearer because they
  !> are not contiguous, and rows that the polar filter moves (as in dycore/decomposition.py). Zero for none.
  function choose_shape(ranks, cells, sphere) result(shape)
    integer, intent(in) :: ranks, cells(3)
    logical, intent(in) :: sphere  ! else a plane
    integer :: shape(2), candidate(2), in_x
    real(real64) :: least, cost, rows

    shape = 0
    least = huge(least)
    do in_x = 1, ranks
      if (modulo(ranks, in_x) /= 0) cycle
      candidate = [ranks / in_x, in_x]
      if (.not. fits(candidate, cells)) cycle
      cost = 0.0_real64
      if (candidate(1) > 1) cost = cost + min(candidate(1) - 1, 2) * real(cells(3), real64) / candidate(2)
      if (candidate(2) > 1) cost = cost + 3.0_real64 * cells(2) / candidate(1)
      if (sphere) then  ! what the filter moves of split rows, there and back
        rows = min(real(cells(2), real64) / candidate(1), cells(2) / merge(3.0_real64, 6.0_real64, candidate(1) == 1))
        cost = cost + rows * cells(3) / candidate(2) * (1.0_real64 - 1.0_real64 / candidate(2)) / 3.0_real64
      end if
      if (cost >= least) cycle
      least = cost
      shape = candidate
    end do
  end function choose_shape

  !> A sentence on what is wrong, or nothing.
  function check_shape(shape, ranks, cells) result(sentence)
    integer, intent(in) :: shape(2), ranks, cells(3)
    character(:), allocatable :: sentence
    character(*), parameter :: names(2) = [character(7) :: "rows", "columns"], letters(2) = ["y", "x"]
    character(300) :: text
    integer :: n

    text = ""
    if (shape(1) == 0) then
      write (text, "(4(a, i0), a)") "no shape of ", ranks, " processes leaves each at least ", halo, " of ", cells(2), &
        " rows and of ", cells(3), " columns; start fewer."
    else if (int(shape(1), int64) * shape(2) /= ranks) then
      write (text, "(5(a, i0), a)") "--processes ", shape(1), ",", shape(2), " are ", int(shape(1), int64) * shape(2), &
        " processes, but there are ", ranks, "; start ", int(shape(1), int64) * shape(2), ", or use "//usable(ranks, cells)
    else if (.not. fits(shape, cells)) then
      n = merge(1, 2, shape(1) > 1 .and. cells(2) / shape(1) < halo)
      write (text, "(6(a, i0), a)") "--processes ", shape(1), ",", shape(2), " leaves a process ", cells(n + 1) / shape(n), " of ", &
        cells(n + 1), " "//trim(names(n))//", fewer than the halo of ", halo, "; at most ", cells(n + 1) / halo, " can share "//letters(n)//"."
    end if
    sentence = trim(text)
  end function check_shape

  logical function fits(shape, cells)
    integer, intent(in) :: shape(2), cells(3)
    fits = all(shape == 1 .or. cells(2:) / shape >= halo)
  end function fits

  !> The shapes of so many processes that can be asked for.
  function usable(ranks, cells) result(text)
    integer, intent(in) :: ranks, cells(3)
    character(:), allocatable :: text
    character(30) :: one
    integer :: in_x

    text = ""
    do in_x = 1, ranks
      if (modulo(ranks, in_x) /= 0) cycle
      if (.not. fits([ranks / in_x, in_x], cells)) cycle
      write (one, "(i0, a, i0)") ranks / in_x, ",", in_x
      if (len(text) > 0) text = text//" or "
      text = text//trim(one)
      if (len(text) > 100) exit
    end do
    if (len(text) == 0) then
      text = "fewer."
    else
      text = "--processes "//text//"."
    end if
  end function usable
end module shapes
