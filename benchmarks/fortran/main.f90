!> The Fortran reference of dycore: four cases, timed or written out. `--help` shows the command line.
program dycore_reference
  use, intrinsic :: iso_fortran_env, only: output_unit, error_unit, int64, compiler_version
  use precision, only: rk, real64, precision_name
  use cases, only: initial_type, baroclinic_channel, baroclinic_wave, held_suarez, stable_time_step
  use southern_channel_module, only: southern_channel
  use model_module, only: model_type
  use polar_filter, only: filter_method
  use shapes, only: choose_shape, check_shape
  use grid_module, only: cells_before
  use messages
  implicit none
  type(model_type) :: model
  character(:), allocatable :: case_name, state_out
  integer :: cells(3), processes(2), steps, warm_up
  real(real64) :: time_step
  logical :: samples

  call start_messages
  call read_command_line
  call set_up
  call take_steps(warm_up)
  if (samples) then
    call serve
  else
    call take_steps(steps)
    call check_finite
    if (len(state_out) > 0) call write_state
  end if
  call end_messages

contains

  subroutine read_command_line
    integer :: n
    character(:), allocatable :: name, problem

    case_name = ""
    state_out = ""
    cells = 0
    processes = 0
    steps = -1
    warm_up = 0
    time_step = 0.0_real64
    samples = .false.
    n = 1
    do while (n <= command_argument_count())
      name = argument(n)
      n = n + 1
      select case (name)
      case ("--help", "-h")
        if (rank == 0) call show_help
        call end_messages
        stop
      case ("--version")
        if (rank == 0) print "(a)", "dycore reference, "//precision_name//", "//compiler_version()//", polar filter by "//filter_method
        call end_messages
        stop
      case ("--samples")
        samples = .true.
        answering = .true.
        cycle
      case ("--silent")
        silent = .true.
        cycle
      case ("--case", "--cells", "--processes", "--steps", "--state-out", "--time-step", "--warmup")
        if (n > command_argument_count()) call refuse(name//" needs a value.")
      case default
        call refuse("unknown option '"//name//"'; --help shows the options.")
      end select
      select case (name)
      case ("--case")
        case_name = argument(n)
      case ("--cells")
        call read_cells(argument(n))
      case ("--processes")
        call read_processes(argument(n))
      case ("--steps")
        steps = whole_number(name, argument(n))
      case ("--warmup")
        warm_up = whole_number(name, argument(n))
      case ("--time-step")
        time_step = positive_number(name, argument(n))
      case ("--state-out")
        state_out = argument(n)
        if (len(state_out) == 0) call refuse("--state-out needs the name of a file.")
      end select
      n = n + 1
    end do
    if (all(case_name /= [character(18) :: "baroclinic_channel", "baroclinic_wave", "held_suarez", "southern_channel"])) &
      call refuse("--case '"//case_name//"' is none of baroclinic_channel, baroclinic_wave, held_suarez and southern_channel.")
    if (cells(1) == 0) call refuse("--cells NZ,NY,NX is missing.")
    if (processes(1) == 0) processes = choose_shape(ranks, cells, index(case_name, "channel") == 0)
    problem = check_shape(processes, ranks, cells)
    if (len(problem) > 0) call refuse(problem)
    if (.not. samples .and. steps < 0) call refuse("give --steps N, or --samples to be asked for steps.")
  end subroutine read_command_line

  subroutine read_cells(text)
    character(*), intent(in) :: text
    integer :: status, n

    status = 1
    if (verify(text, "0123456789,") == 0 .and. count([(text(n:n) == ",", n=1, len(text))]) == 2) read (text, *, iostat=status) cells
    if (status /= 0 .or. cells(1) < 1 .or. minval(cells(2:)) < 3) &
      call refuse("--cells '"//text//"' are not three whole numbers NZ,NY,NX with NZ at least 1, NY and NX at least 3.")
    if (product(real(cells, real64)) > 2.0e9_real64) call refuse("--cells '"//text//"' are more cells than fit here.")
  end subroutine read_cells

  subroutine read_processes(text)
    character(*), intent(in) :: text
    integer :: status, n

    status = 1
    if (verify(text, "0123456789,") == 0 .and. count([(text(n:n) == ",", n=1, len(text))]) == 1) &
      read (text, *, iostat=status) processes
    if (status /= 0 .or. minval(processes) < 1) &
      call refuse("--processes '"//text//"' are not two whole numbers PJ,PI of at least 1.")
  end subroutine read_processes

  function argument(n) result(text)
    integer, intent(in) :: n
    character(:), allocatable :: text
    integer :: length

    call get_command_argument(n, length=length)
    allocate (character(length) :: text)
    call get_command_argument(n, text)
  end function argument

  integer function whole_number(name, text) result(number)
    character(*), intent(in) :: name, text
    integer :: status

    status = 1
    if (len(text) > 0 .and. verify(text, "0123456789") == 0) read (text, *, iostat=status) number
    if (status /= 0) call refuse(name//" '"//text//"' is not a whole number of at least 0.")
  end function whole_number

  real(real64) function positive_number(name, text) result(number)
    character(*), intent(in) :: name, text
    integer :: status

    status = 1
    number = 0.0_real64
    if (len(text) > 0 .and. verify(text, "0123456789.eE+-") == 0) read (text, *, iostat=status) number
    if (status /= 0 .or. .not. number > 0.0_real64 .or. number > huge(1.0_rk)) &
      call refuse(name//" '"//text//"' is not a positive number of seconds.")
  end function positive_number

  subroutine show_help
    print "(a)", "dycore reference in "//precision_name//", polar filter by "//filter_method, &
      "", &
      "  --case NAME        baroclinic_channel, baroclinic_wave, held_suarez or southern_channel", &
      "  --cells NZ,NY,NX   number of cells", &
      "  --time-step S      seconds; the default is that of the case", &
      "  --warmup N         steps before anything else", &
      "  --steps N          take N steps and end", &
      "  --state-out FILE   with --steps: write the state (format: README.md; reader: read_state.py)", &
      "  --samples          print 'about {...}' and 'ready 0'; for each line 'sample N' take N steps and print", &
      "                     'seconds X'; on 'quit' print 'peak_memory_bytes B'", &
      "  --processes PJ,PI  processes that share y and x (started by mpiexec); the default has the least halo", &
      "  --silent           send no messages: for timing, the results are wrong", &
      "  --version          precision, compiler and polar filter", &
      "", &
      "Example: dycore_reference_float64 --case baroclinic_wave --cells 26,64,128 --steps 20 --state-out wave.state"
  end subroutine show_help

  !> Ends with one sentence: for input that makes no sense.
  subroutine refuse(sentence)
    character(*), intent(in) :: sentence
    call stop_all(sentence, 2, together=.true.)
  end subroutine refuse

  !> Ends with one sentence: for a run that failed, as all processes know.
  subroutine fail(sentence)
    character(*), intent(in) :: sentence
    call stop_all(sentence, 1, together=.true.)
  end subroutine fail

  subroutine set_up
    type(initial_type) :: initial
    character(20) :: limit
    character(20) :: given

    if (case_name == "baroclinic_channel") then
      call baroclinic_channel(cells, processes, model%grid, model%parameters, initial)
    else if (case_name == "southern_channel") then
      call southern_channel(cells, processes, model%grid, model%parameters, initial)
    else
      if (modulo(cells(3), 2) == 1) call refuse("an odd number of cells in longitude does not match across the pole; use an even NX.")
      if (case_name == "baroclinic_wave") then
        call baroclinic_wave(cells, processes, model%grid, model%parameters, initial)
      else
        call held_suarez(cells, processes, model%grid, model%parameters, initial)
      end if
    end if
    if (time_step > 0.0_real64) model%parameters%time_step = time_step
    if (model%parameters%time_step > stable_time_step(model%grid, model%parameters)) then
      write (given, "(g0.5)") model%parameters%time_step
      write (limit, "(g0.5)") stable_time_step(model%grid, model%parameters)
      call refuse("a time step of "//trim(given)//" s is unstable; external waves allow at most "//trim(limit)//" s on this grid.")
    end if
    call model%start(initial, reproducible=len(state_out) > 0)
  end subroutine set_up

  subroutine take_steps(n)
    integer, intent(in) :: n
    integer(int64) :: sent(2)
    integer :: step

    do step = 1, n
      sent = [sent_messages, sent_bytes]
      call model%advance
      if (model%step == 1 .and. any([sent_messages, sent_bytes] - sent /= model%traffic())) &
        call stop_all("a step sent other messages than its tables tell.", 1, together=.false.)
    end do
  end subroutine take_steps

  !> Answers a line on standard input with a line on standard output.
  subroutine serve
    character(80) :: line
    integer :: status, n
    integer(int64) :: first, last, rate, sent(2)
    real(real64) :: seconds

    sent = model%traffic()
    sent = [int(largest(real(sent(1), real64)), int64), int(largest(real(sent(2), real64)), int64)]
    if (rank == 0) then
      print "(5(a, i0), a)", 'about {"ranks": ', ranks, ', "processes": [', processes(1), ', ', processes(2), '], "messages_per_step": ', &
        sent(1), ', "bytes_per_step": ', sent(2), '}'
      print "(a)", "ready 0"
      flush (output_unit)
    end if
    do
      if (rank == 0) then
        read (*, "(a)", iostat=status) line
        if (status /= 0) line = "quit"
      end if
      call broadcast(line)
      if (line == "quit") exit
      if (line(1:7) /= "sample ") call fail("did not understand '"//trim(line)//"'; say 'sample N' or 'quit'.")
      n = whole_number("sample", trim(adjustl(line(8:))))
      call barrier
      call system_clock(first, rate)
      call take_steps(n)
      call system_clock(last)
      seconds = largest(real(last - first, real64) / rate)
      call check_finite
      if (rank == 0) print "(a, es24.16)", "seconds", seconds
      flush (output_unit)
    end do
    seconds = total(real(peak_memory(), real64))
    if (rank == 0) print "(a, i0)", "peak_memory_bytes ", int(seconds, int64)
  end subroutine serve

  !> The high-water mark of this process (bytes), zero where the system does not tell.
  integer(int64) function peak_memory() result(bytes)
    character(200) :: line
    integer :: unit, status

    bytes = 0
    open (newunit=unit, file="/proc/self/status", action="read", iostat=status)
    do while (status == 0)
      read (unit, "(a)", iostat=status) line
      if (line(1:6) /= "VmHWM:") cycle
      read (line(7:index(line, "kB") - 1), *) bytes
      bytes = 1024 * bytes
      exit
    end do
  end function peak_memory

  subroutine check_finite
    real(rk) :: sum_of_all

    ! One number that is not finite makes the sum so, for differences with itself cancel only what is finite.
    associate (nx => model%grid%nx, ny => model%grid%ny, now => model%newest())
      sum_of_all = sum(0.0_rk * model%u(1:nx, :, 1:ny)) + sum(0.0_rk * model%v(1:nx, :, 1:ny)) &
                   + sum(0.0_rk * model%w(1:nx, :, 1:ny)) + sum(0.0_rk * model%surface(1:nx, 1:ny, now)) &
                   + sum(0.0_rk * model%tracers(1:nx, :, 1:ny, now, :))
    end associate
    if (largest(merge(1.0_real64, 0.0_real64, sum_of_all /= 0.0_rk)) > 0.0_real64) &
      call fail("the state holds values that are not finite numbers; use a shorter time step.")
  end subroutine check_finite

  !> One line of text and then numbers, without halo and in the precision and byte order of this program:
  !>
  !>     dycore-reference float64 NZ NY NX TRACERS STEPS CLOSURES
  !>     u, v, w (k, j, i; i fastest), surface (j, i), each tracer (k, j, i), each field of a closure (k, j, i)
  subroutine write_state
    character(200) :: message
    integer :: unit, status, m

    status = 0
    if (rank == 0) then
      open (newunit=unit, file=state_out, access="stream", form="unformatted", status="replace", action="write", &
            iostat=status, iomsg=message)
      if (status /= 0) call stop_all("could not write "//state_out//": "//trim(message)//".", 1, together=.false.)
      write (message, "(a, 6(1x, i0))") "dycore-reference "//precision_name, cells, size(model%tracers, 5), model%step, &
        merge(1, 0, associated(model%mixed%energy))
      write (unit, iostat=status) trim(message)//new_line("a")
    end if
    associate (now => model%newest())
      call write_levels(unit, model%u, status)
      call write_levels(unit, model%v, status)
      call write_levels(unit, model%w, status)
      call write_level(unit, model%surface(1:model%grid%nx, 1:model%grid%ny, now), status)
      do m = 1, size(model%tracers, 5)
        call write_levels(unit, model%tracers(:, :, :, now, m), status)
      end do
      if (associated(model%mixed%energy)) call write_levels(unit, model%mixed%energy, status)
    end associate
    if (rank == 0 .and. status == 0) close (unit, iostat=status)
    if (status /= 0) call stop_all("could not write all of "//state_out//"; is the disk full?", 1, together=.false.)
  end subroutine write_state

  subroutine write_levels(unit, field, status)
    integer, intent(in) :: unit
    real(rk), intent(in) :: field(model%grid%west:, :, model%grid%south:)
    integer, intent(inout) :: status
    integer :: k

    do k = 1, cells(1)
      call write_level(unit, field(1:model%grid%nx, k, 1:model%grid%ny), status)
    end do
  end subroutine write_levels

  !> The parts of all processes come together on rank 0, which writes them.
  subroutine write_level(unit, part, status)
    integer, intent(in) :: unit
    real(rk), intent(in) :: part(:, :)
    integer, intent(inout) :: status
    real(rk), allocatable :: whole(:, :)
    real(rk), pointer, contiguous :: numbers(:)
    integer :: process, i1, i2, j1, j2

    allocate (numbers(size(part)))
    numbers = reshape(part, [size(part)])
    if (rank > 0) then
      call send(numbers, 0)
      call wait_for_messages
      deallocate (numbers)
      return
    end if
    allocate (whole(cells(3), cells(2)))
    do process = 0, ranks - 1
      associate (pj => process / processes(2), pi => modulo(process, processes(2)))
        j1 = cells_before(cells(2), pj, processes(1)) + 1
        j2 = cells_before(cells(2), pj + 1, processes(1))
        i1 = cells_before(cells(3), pi, processes(2)) + 1
        i2 = cells_before(cells(3), pi + 1, processes(2))
      end associate
      if (process > 0) then
        deallocate (numbers)
        allocate (numbers((i2 - i1 + 1) * (j2 - j1 + 1)))
        call receive(numbers, process)
        call wait_for_messages
      end if
      whole(i1:i2, j1:j2) = reshape(numbers, [i2 - i1 + 1, j2 - j1 + 1])
    end do
    deallocate (numbers)
    if (status == 0) write (unit, iostat=status) whole
  end subroutine write_level
end program dycore_reference
