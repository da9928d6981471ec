!> Arrays in huge pages where the system gives them, whose first cell of every row lies at the beginning of a cache line, and whose beginnings are spread over
!> the cache: arrays that begin at the same place of a page push each other out of it.
module memory
  use, intrinsic :: iso_c_binding, only: c_ptr, c_size_t, c_int, c_f_pointer, c_associated
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk
  use messages, only: stop_all
  implicit none
  private
  public :: zeros

  integer, parameter, public :: line = 64 * 8 / storage_size(1.0_rk)  ! numbers in a cache line
  integer, parameter :: lines_in_page = 64
  integer(c_size_t), parameter :: small_page = 4096, huge_page = 2097152  ! bytes
  integer(c_int), parameter :: advise_huge_pages = 14  ! MADV_HUGEPAGE of Linux; NumPy does the same
  integer :: arrays = 0

  interface
    function aligned_alloc(alignment, bytes) bind(c)
      import :: c_ptr, c_size_t
      integer(c_size_t), value :: alignment, bytes
      type(c_ptr) :: aligned_alloc
    end function aligned_alloc

    function madvise(address, bytes, advice) bind(c)
      import :: c_ptr, c_size_t, c_int
      type(c_ptr), value :: address
      integer(c_size_t), value :: bytes
      integer(c_int), value :: advice
      integer(c_int) :: madvise
    end function madvise
  end interface

contains

  !> n zeros, to be given bounds; they live as long as the program.
  function zeros(n) result(values)
    integer, intent(in) :: n
    real(rk), pointer, contiguous :: values(:)
    real(rk), pointer, contiguous :: all_of_it(:)
    integer(int64) :: numbers
    integer(c_size_t) :: page, bytes
    integer :: first, ignored
    type(c_ptr) :: address

    numbers = (n / line + 1 + lines_in_page) * int(line, int64)
    bytes = numbers * (storage_size(1.0_rk) / 8)
    page = merge(huge_page, small_page, bytes > huge_page)
    bytes = (bytes / page + 1) * page
    address = aligned_alloc(page, bytes)
    if (.not. c_associated(address)) call stop_all("not enough memory for so many cells.", 1, together=.false.)
    if (page == huge_page) ignored = madvise(address, bytes, advise_huge_pages)  ! no loss where it does not work
    call c_f_pointer(address, all_of_it, [numbers])
    first = modulo(11 * arrays, lines_in_page) * line
    arrays = arrays + 1
    values => all_of_it(first + 1:first + n)
    values = 0.0_rk
  end function zeros
end module memory
