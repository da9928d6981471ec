!> Messages between the processes: through messages.c and MPI with -DUSE_MPI, else there is one process and none are sent.
!>
!> Buffers are targets whose address goes to C, so that the compiler knows them to change while it looks elsewhere.
module messages
  use, intrinsic :: iso_c_binding, only: c_int, c_double, c_char, c_ptr, c_loc
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit, int64
  use precision, only: rk, real64
  implicit none
  private
  public :: start_messages, end_messages, send, receive, wait_for_messages, barrier, broadcast, largest, total, stop_all

  integer, protected, public :: rank = 0, ranks = 1
  integer(int64), protected, public :: sent_messages = 0, sent_bytes = 0
  logical, public :: silent = .false.      ! send nothing; what should come is made up
  logical, public :: answering = .false.   ! who asked reads lines on standard output
  integer, parameter, public :: bytes_of_number = storage_size(1.0_rk) / 8

#ifdef USE_MPI
  interface
    subroutine messages_start(rank, ranks) bind(c)
      import :: c_int
      integer(c_int), intent(out) :: rank, ranks
    end subroutine messages_start

    subroutine messages_end() bind(c)
    end subroutine messages_end

    subroutine messages_abort(code) bind(c)
      import :: c_int
      integer(c_int), value :: code
    end subroutine messages_abort

    subroutine messages_send(numbers, count, bytes, to) bind(c)
      import :: c_ptr, c_int
      type(c_ptr), value :: numbers
      integer(c_int), value :: count, bytes, to
    end subroutine messages_send

    subroutine messages_receive(numbers, count, bytes, from) bind(c)
      import :: c_ptr, c_int
      type(c_ptr), value :: numbers
      integer(c_int), value :: count, bytes, from
    end subroutine messages_receive

    subroutine messages_wait() bind(c)
    end subroutine messages_wait

    subroutine messages_barrier() bind(c)
    end subroutine messages_barrier

    subroutine messages_broadcast(text, length) bind(c)
      import :: c_char, c_int
      character(kind=c_char), intent(inout) :: text(*)
      integer(c_int), value :: length
    end subroutine messages_broadcast

    function messages_largest(value) bind(c)
      import :: c_double
      real(c_double), value :: value
      real(c_double) :: messages_largest
    end function messages_largest

    function messages_total(value) bind(c)
      import :: c_double
      real(c_double), value :: value
      real(c_double) :: messages_total
    end function messages_total
  end interface
#endif

contains

#ifdef USE_MPI
  subroutine start_messages
    integer(c_int) :: mine, all
    call messages_start(mine, all)
    rank = mine
    ranks = all
  end subroutine start_messages

  subroutine end_messages
    call messages_end
  end subroutine end_messages

  subroutine send(numbers, to)
    real(rk), intent(in), target, contiguous :: numbers(:)
    integer, intent(in) :: to
    call messages_send(c_loc(numbers), size(numbers), bytes_of_number, to)
    sent_messages = sent_messages + 1
    sent_bytes = sent_bytes + size(numbers, kind=int64) * bytes_of_number
  end subroutine send

  subroutine receive(numbers, from)
    real(rk), intent(inout), target, contiguous :: numbers(:)
    integer, intent(in) :: from
    call messages_receive(c_loc(numbers), size(numbers), bytes_of_number, from)
  end subroutine receive

  subroutine wait_for_messages
    call messages_wait
  end subroutine wait_for_messages

  subroutine barrier
    call messages_barrier
  end subroutine barrier

  !> What rank 0 has, to all.
  subroutine broadcast(text)
    character(*), intent(inout) :: text
    call messages_broadcast(text, len(text))
  end subroutine broadcast

  !> The largest of the values of all processes.
  real(real64) function largest(value)
    real(real64), intent(in) :: value
    largest = messages_largest(value)
  end function largest

  !> The sum over all processes.
  real(real64) function total(value)
    real(real64), intent(in) :: value
    total = messages_total(value)
  end function total
#else
  subroutine start_messages
  end subroutine start_messages

  subroutine end_messages
  end subroutine end_messages

  subroutine send(numbers, to)
    real(rk), intent(in), target, contiguous :: numbers(:)
    integer, intent(in) :: to
    error stop "a single process sends no messages"
  end subroutine send

  subroutine receive(numbers, from)
    real(rk), intent(inout), target, contiguous :: numbers(:)
    integer, intent(in) :: from
    error stop "a single process receives no messages"
  end subroutine receive

  subroutine wait_for_messages
  end subroutine wait_for_messages

  subroutine barrier
  end subroutine barrier

  subroutine broadcast(text)
    character(*), intent(inout) :: text
  end subroutine broadcast

  real(real64) function largest(value)
    real(real64), intent(in) :: value
    largest = value
  end function largest

  real(real64) function total(value)
    real(real64), intent(in) :: value
    total = value
  end function total
#endif

  !> Ends with one sentence. With `together` all processes must come here, and rank 0 speaks; else this one alone takes
  !> all others down.
  subroutine stop_all(sentence, code, together)
    character(*), intent(in) :: sentence
    integer, intent(in) :: code
    logical, intent(in) :: together

    if (rank == 0 .or. .not. together) then
      if (answering) print "(a)", "error "//sentence
      write (error_unit, "(a)") "dycore reference: "//sentence
      flush (output_unit)
      flush (error_unit)
    end if
#ifdef USE_MPI
    if (.not. together .and. ranks > 1) call messages_abort(code)
#endif
    call end_messages
    stop code, quiet=.true.
  end subroutine stop_all
end module messages
