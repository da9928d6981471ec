!> Arrays whose first cell of every row lies at the beginning of a cache line, and whose beginnings are spread over
!> the cache: arrays that begin at the same place of a page push each other out of it.
module memory
  use, intrinsic :: iso_c_binding, only: c_ptr, c_size_t, c_f_pointer, c_associated
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk
  implicit none
  private
  public :: zeros

  integer, parameter, public :: line = 64 * 8 / storage_size(1.0_rk)  ! numbers in a cache line
  integer, parameter :: lines_in_page = 64
  integer :: arrays = 0

  interface
    function aligned_alloc(alignment, bytes) bind(c)
      import :: c_ptr, c_size_t
      integer(c_size_t), value :: alignment, bytes
      type(c_ptr) :: aligned_alloc
    end function aligned_alloc
  end interface

contains

  !> n zeros, to be given bounds; they live as long as the program.
  function zeros(n) result(values)
    integer, intent(in) :: n
    real(rk), pointer, contiguous :: values(:)
    real(rk), pointer, contiguous :: all_of_it(:)
    integer(int64) :: numbers
    integer :: first
    type(c_ptr) :: address

    numbers = (n / line + 1 + lines_in_page) * int(line, int64)
    address = aligned_alloc(4096_c_size_t, (numbers * (storage_size(1.0_rk) / 8) / 4096 + 1) * 4096_c_size_t)
    if (.not. c_associated(address)) error stop "dycore reference: not enough memory for so many cells."
    call c_f_pointer(address, all_of_it, [numbers])
    first = modulo(11 * arrays, lines_in_page) * line
    arrays = arrays + 1
    values => all_of_it(first + 1:first + n)
    values = 0.0_rk
  end function zeros
end module memory
