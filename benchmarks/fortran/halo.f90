!> Halo cells: the one place that knows what lies beyond the first and the last cell of a process.
!>
!> x is periodic. Beyond a wall, scalars and u are mirrored and v turns round; beyond a pole lies the opposite meridian,
!> where both components of a vector point the other way. v on the boundary is zero. Every cell of a halo is thus the
!> copy of a cell that some process owns, this one or another, and an exchange is a table of such copies: those from
!> this process are made in place, the others come in one message from each process, corners from the diagonal neighbours.
module halo_module
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk
  use grid_module, only: grid_type, halo, cells_before
  use messages, only: rank, ranks, silent, send, receive, wait_for_messages, bytes_of_number
  implicit none
  private
  public :: fill_rows

  integer, parameter, public :: centre = 0, west_face = 1, south_face = 2

  !> A rectangle of halo cells, all levels of it. `process` owns what they hold, from its cell (from_i, from_j) onwards,
  !> northwards or southwards (step_j).
  type :: piece_type
    integer :: field, i1, i2, j1, j2, process, from_i, from_j, step_j
    real(rk) :: sign
  end type piece_type

  !> One side of a rectangle, in y or x: cells first..last are copies of those of a row or column of processes.
  type :: band_type
    integer :: first, last, process, from, step
    logical :: beyond  ! the boundary of the grid
  end type band_type

  type :: neighbour_type
    integer :: rank
    type(piece_type), allocatable :: gives(:), takes(:)
    real(rk), pointer, contiguous :: out(:), in(:)
  end type neighbour_type

  type :: field_type
    real(rk), pointer, contiguous :: values(:, :, :) => null()  ! (i, k, j), to be set before each exchange
    integer :: levels, place
    integer :: reach(4)     ! cells of halo to the south, north, west and east
    logical :: rows_filled  ! in an undivided x, the halo of own rows is filled already
  end type field_type

  type, public :: exchange_type
    type(field_type), allocatable :: fields(:)
    type(piece_type), allocatable, private :: own(:)
    type(neighbour_type), allocatable, private :: neighbours(:)
  contains
    procedure :: add, connect, run, traffic
  end type exchange_type

contains

  !> Columns beyond the first and the last one, of n rows that follow each other in memory; nothing where x is divided.
  subroutine fill_rows(g, n, rows)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n
    real(rk), intent(inout) :: rows(g%west:g%east, n)
    integer :: m

    if (g%split_x) return
    do m = 1, n
      rows(1 - halo:0, m) = rows(g%nx + 1 - halo:g%nx, m)
      rows(g%nx + 1:g%nx + halo, m) = rows(1:halo, m)
    end do
  end subroutine fill_rows

  subroutine add(self, levels, place, reach, rows_filled)
    class(exchange_type), intent(inout) :: self
    integer, intent(in) :: levels, place, reach(4)
    logical, intent(in) :: rows_filled

    if (.not. allocated(self%fields)) allocate (self%fields(0))
    self%fields = [self%fields, field_type(null(), levels, place, reach, rows_filled)]
  end subroutine add

  !> When all fields have been added: who sends what to whom.
  subroutine connect(self, g)
    class(exchange_type), intent(inout) :: self
    type(grid_type), intent(in) :: g
    type(piece_type), allocatable :: taken(:), given(:)
    type(neighbour_type) :: neighbour
    integer :: other

    taken = pieces(self%fields, g, rank)
    self%own = pack(taken, taken%process == rank)
    allocate (self%neighbours(0))
    do other = 0, ranks - 1
      if (other == rank) cycle
      given = pieces(self%fields, g, other)
      neighbour%rank = other
      neighbour%gives = pack(given, given%process == rank)
      neighbour%takes = pack(taken, taken%process == other)
      if (size(neighbour%gives) + size(neighbour%takes) == 0) cycle
      allocate (neighbour%out(numbers(self%fields, neighbour%gives)), neighbour%in(numbers(self%fields, neighbour%takes)))
      self%neighbours = [self%neighbours, neighbour]
    end do
  end subroutine connect

  !> What a process needs; all processes come to the same.
  function pieces(fields, g, process) result(all)
    type(field_type), intent(in) :: fields(:)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: process
    type(piece_type), allocatable :: all(:)
    type(band_type), allocatable :: rows(:), columns(:)
    integer :: f, m, n, p(2), nx
    real(rk) :: sign

    allocate (all(0))
    p = [process / g%processes(2), modulo(process, g%processes(2))]
    nx = cells_before(g%all_nx, p(2) + 1, g%processes(2)) - cells_before(g%all_nx, p(2), g%processes(2))
    do f = 1, size(fields)
      associate (field => fields(f))
        rows = row_bands(g, p(1), field%place, field%reach(:2))
        do m = 1, size(rows)
          sign = 1.0_rk
          if (rows(m)%beyond .and. merge(field%place /= centre, field%place == south_face, g%sphere)) sign = -1.0_rk
          columns = column_bands(g, p(2), field%reach(3:), rows(m)%beyond .and. g%sphere)
          do n = 1, size(columns)
            if (rows(m)%process == p(1) .and. .not. rows(m)%beyond) then
              if (field%rows_filled .and. .not. g%split_x) cycle
              if (columns(n)%first >= 1 .and. columns(n)%last <= nx) cycle  ! own cells
            end if
            all = [all, piece_type(f, columns(n)%first, columns(n)%last, rows(m)%first, rows(m)%last, &
                                   rows(m)%process * g%processes(2) + columns(n)%process, columns(n)%from, rows(m)%from, rows(m)%step, sign)]
          end do
        end do
      end associate
    end do
  end function pieces

  function row_bands(g, process, place, reach) result(bands)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: process, place, reach(2)
    type(band_type), allocatable :: bands(:)
    type(band_type) :: band
    integer :: j, row, before, face

    allocate (bands(0))
    face = merge(1, 0, place == south_face)
    before = cells_before(g%all_ny, process, g%processes(1))
    do j = 1 - reach(1), cells_before(g%all_ny, process + 1, g%processes(1)) - before + reach(2)
      row = before + j
      if (row < 1 - halo .or. row > g%all_ny + halo) cycle
      if (face == 1 .and. row == g%all_ny + 1) cycle  ! the boundary itself
      band%beyond = row < 1 .or. row > g%all_ny
      band%step = merge(-1, 1, band%beyond)
      if (row < 1) row = 1 - row + face
      if (row > g%all_ny) row = 2 * g%all_ny + 1 - row + face
      band%first = j
      call locate(g%all_ny, g%processes(1), row, band)
      call append(bands, band, new=.false.)
    end do
  end function row_bands

  function column_bands(g, process, reach, opposite) result(bands)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: process, reach(2)
    logical, intent(in) :: opposite  ! the columns half way round the sphere
    type(band_type), allocatable :: bands(:)
    type(band_type) :: band
    integer :: i, before, n

    allocate (bands(0))
    before = cells_before(g%all_nx, process, g%processes(2))
    n = cells_before(g%all_nx, process + 1, g%processes(2)) - before
    band%beyond = .false.
    band%step = 1
    do i = 1 - reach(1), n + reach(2)
      band%first = i
      call locate(g%all_nx, g%processes(2), modulo(before + i - 1 + merge(g%all_nx / 2, 0, opposite), g%all_nx) + 1, band)
      call append(bands, band, new=i == 1 .or. i == n + 1)
    end do
  end function column_bands

  !> Which of the processes owns cell `global` of n, and as which of its cells.
  subroutine locate(n, processes, global, band)
    integer, intent(in) :: n, processes, global
    type(band_type), intent(inout) :: band

    band%process = int(int(global, int64) * processes / n)
    do while (cells_before(n, band%process, processes) >= global)
      band%process = band%process - 1
    end do
    band%from = global - cells_before(n, band%process, processes)
  end subroutine locate

  !> One more cell: of the last band if it continues that.
  subroutine append(bands, band, new)
    type(band_type), allocatable, intent(inout) :: bands(:)
    type(band_type), intent(inout) :: band
    logical, intent(in) :: new

    if (size(bands) > 0 .and. .not. new) then
      associate (last => bands(size(bands)))
        if (last%process == band%process .and. (last%beyond .eqv. band%beyond) .and. last%last == band%first - 1 &
            .and. band%from == last%from + last%step * (band%first - last%first)) then
          last%last = band%first
          return
        end if
      end associate
    end if
    band%last = band%first
    bands = [bands, band]
  end subroutine append

  pure integer function numbers(fields, pieces)
    type(field_type), intent(in) :: fields(:)
    type(piece_type), intent(in) :: pieces(:)
    numbers = sum(fields(pieces%field)%levels * (pieces%i2 - pieces%i1 + 1) * (pieces%j2 - pieces%j1 + 1))
  end function numbers

  !> Fills the halos of all fields.
  subroutine run(self, g)
    class(exchange_type), intent(inout) :: self
    type(grid_type), intent(in) :: g
    integer :: n, m, at

    if (.not. silent) then
      do n = 1, size(self%neighbours)
        associate (to => self%neighbours(n))
          if (size(to%in) > 0) call receive(to%in, to%rank)
        end associate
      end do
      do n = 1, size(self%neighbours)
        associate (to => self%neighbours(n))
          at = 0
          do m = 1, size(to%gives)
            call gather(self%fields(to%gives(m)%field)%values, to%gives(m), to%out, at)
          end do
          if (size(to%out) > 0) call send(to%out, to%rank)
        end associate
      end do
    end if
    do m = 1, size(self%own)
      call copy(self%fields(self%own(m)%field)%values, self%own(m))
    end do
    do m = 1, size(self%fields)
      if (self%fields(m)%place /= south_face) cycle
      if (g%at_south) self%fields(m)%values(:, :, 1) = 0.0_rk
      if (g%at_north) self%fields(m)%values(:, :, g%ny + 1) = 0.0_rk
    end do
    if (.not. silent) call wait_for_messages
    do n = 1, size(self%neighbours)
      associate (from => self%neighbours(n))
        at = 0
        do m = 1, size(from%takes)
          if (silent) then
            call make_up(g, self%fields(from%takes(m)%field)%values, from%takes(m))
          else
            call scatter(from%in, from%takes(m), self%fields(from%takes(m)%field)%values, at)
          end if
        end do
      end associate
    end do
  end subroutine run

  !> Appends what another process needs to a message.
  subroutine gather(values, piece, message, at)
    real(rk), pointer, contiguous, intent(in) :: values(:, :, :)
    type(piece_type), intent(in) :: piece
    real(rk), intent(inout) :: message(:)
    integer, intent(inout) :: at
    integer :: j, k, n

    n = piece%i2 - piece%i1 + 1
    do j = piece%from_j, piece%from_j + piece%step_j * (piece%j2 - piece%j1), piece%step_j
      do k = 1, size(values, 2)
        message(at + 1:at + n) = values(piece%from_i:piece%from_i + n - 1, k, j)
        at = at + n
      end do
    end do
  end subroutine gather

  subroutine scatter(message, piece, values, at)
    real(rk), intent(in) :: message(:)
    type(piece_type), intent(in) :: piece
    real(rk), pointer, contiguous, intent(in) :: values(:, :, :)
    integer, intent(inout) :: at
    integer :: j, k, n

    n = piece%i2 - piece%i1 + 1
    do j = piece%j1, piece%j2
      do k = 1, size(values, 2)
        values(piece%i1:piece%i2, k, j) = piece%sign * message(at + 1:at + n)
        at = at + n
      end do
    end do
  end subroutine scatter

  !> From a cell of this process.
  subroutine copy(values, piece)
    real(rk), pointer, contiguous, intent(in) :: values(:, :, :)
    type(piece_type), intent(in) :: piece
    integer :: i, j, k, from, shift

    shift = piece%from_i - piece%i1
    do j = piece%j1, piece%j2
      from = piece%from_j + piece%step_j * (j - piece%j1)
      do k = 1, size(values, 2)
        !$omp simd
        do i = piece%i1, piece%i2
          values(i, k, j) = piece%sign * values(i + shift, k, from)
        end do
      end do
    end do
  end subroutine copy

  !> Without messages: the nearest row of this process, as if it were alone round the world.
  subroutine make_up(g, values, piece)
    type(grid_type), intent(in) :: g
    real(rk), pointer, contiguous, intent(in) :: values(:, :, :)
    type(piece_type), intent(in) :: piece
    integer :: i, j, k

    do j = piece%j1, piece%j2
      do k = 1, size(values, 2)
        do i = piece%i1, piece%i2
          values(i, k, j) = values(modulo(i - 1, g%nx) + 1, k, min(max(j, 1), g%ny))
        end do
      end do
    end do
  end subroutine make_up

  !> Messages and bytes that this process sends in one exchange.
  function traffic(self) result(sent)
    class(exchange_type), intent(in) :: self
    integer(int64) :: sent(2)
    integer :: n

    sent = 0
    if (silent) return
    do n = 1, size(self%neighbours)
      if (size(self%neighbours(n)%out) > 0) sent = sent + [1_int64, int(size(self%neighbours(n)%out), int64) * bytes_of_number]
    end do
  end function traffic
end module halo_module
