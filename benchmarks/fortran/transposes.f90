!> Whole rows for the polar filter where x is divided. A unit is a row of a field with all its levels; each process of
!> a row of processes gets some whole units, as evenly as goes, filters them and gives their parts back. All units of
!> one transpose travel together.
module transposes
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk
  use grid_module, only: grid_type, cells_before
  use polar_filter, only: filter_type
  use messages, only: silent, send, receive, wait_for_messages, bytes_of_number
  implicit none
  private

  type, public :: transpose_type
    integer, private :: units = 0, mine = 0, row_of_processes = 0, nx = 0
    integer, allocatable, private :: first(:)      ! (unit) its first level among those of all units
    integer, allocatable, private :: response(:)   ! (unit) which one of the filter
    logical, allocatable, private :: on_faces(:)   ! (unit)
    integer, allocatable, private :: begin(:)      ! (process) its first level
    integer, allocatable, private :: unit(:)       ! (process) its first unit
    integer, allocatable, private :: before(:)     ! (process) columns to the west of its part
    real(rk), pointer, contiguous, private :: part(:, :) => null()   ! (own i, level) of all units
    real(rk), pointer, contiguous, private :: whole(:, :) => null()  ! (all i, level) of own units
    real(rk), pointer, contiguous, private :: parts(:) => null()     ! of own units, one process after the other
  contains
    procedure :: prepare, put, get, run, traffic
  end type transpose_type

contains

  subroutine prepare(self, g, levels, response, on_faces)
    class(transpose_type), intent(inout) :: self
    type(grid_type), intent(in) :: g
    integer, intent(in) :: levels(:), response(:)  ! of each unit
    logical, intent(in) :: on_faces(:)
    integer :: u, p, all, processes

    processes = g%processes(2)
    self%units = size(levels)
    self%mine = g%process(2)
    self%row_of_processes = g%process(1) * processes
    self%nx = g%nx
    self%first = [1, (1 + sum(levels(:u)), u=1, size(levels))]
    self%response = response
    self%on_faces = on_faces
    all = sum(levels)
    allocate (self%unit(0:processes), self%begin(0:processes), self%before(0:processes))
    self%before = [(cells_before(g%all_nx, p, processes), p=0, processes)]
    do p = 0, processes
      ! Whose middle level falls to the processes before p, they get.
      self%unit(p) = 1 + count([((2 * self%first(u) - 2 + levels(u)) * processes < 2 * all * p, u=1, size(levels))])
    end do
    self%begin(:) = self%first(self%unit)
    allocate (self%part(g%nx, all), source=0.0_rk)
    associate (own => self%begin(self%mine + 1) - self%begin(self%mine))
      allocate (self%whole(g%all_nx, own), self%parts(g%all_nx * own), source=0.0_rk)
    end associate
  end subroutine prepare

  subroutine put(self, unit, stride, rows)
    class(transpose_type), intent(inout) :: self
    integer, intent(in) :: unit, stride
    real(rk), intent(in) :: rows(stride, self%first(unit):self%first(unit + 1) - 1)

    self%part(:, self%first(unit):self%first(unit + 1) - 1) = rows(:self%nx, :)
  end subroutine put

  subroutine get(self, unit, stride, rows)
    class(transpose_type), intent(in) :: self
    integer, intent(in) :: unit, stride
    real(rk), intent(inout) :: rows(stride, self%first(unit):self%first(unit + 1) - 1)

    rows(:self%nx, :) = self%part(:, self%first(unit):self%first(unit + 1) - 1)
  end subroutine get

  !> Filters all units.
  subroutine run(self, filter)
    class(transpose_type), intent(inout) :: self
    type(filter_type), intent(inout) :: filter
    integer :: p, u, l, at, n, levels, offset

    if (self%units == 0) return
    associate (mine => self%mine, begin => self%begin, before => self%before)
      offset = begin(mine) - 1
      levels = begin(mine + 1) - begin(mine)
      call exchange(back=.false.)
      at = 0
      do p = 0, size(begin) - 2
        n = before(p + 1) - before(p)
        do l = 1, levels
          self%whole(before(p) + 1:before(p + 1), l) = self%parts(at + 1:at + n)
          at = at + n
        end do
      end do
      do u = self%unit(mine), self%unit(mine + 1) - 1
        n = self%first(u + 1) - self%first(u)
        if (self%on_faces(u)) then
          call filter%apply(n, size(self%whole, 1), self%whole(:, self%first(u) - offset), filter%faces(:, self%response(u)))
        else
          call filter%apply(n, size(self%whole, 1), self%whole(:, self%first(u) - offset), filter%centres(:, self%response(u)))
        end if
      end do
      at = 0
      do p = 0, size(begin) - 2
        n = before(p + 1) - before(p)
        do l = 1, levels
          self%parts(at + 1:at + n) = self%whole(before(p) + 1:before(p + 1), l)
          at = at + n
        end do
      end do
      call exchange(back=.true.)
    end associate

  contains

    !> Between `part` and `parts`, all of it to be had as one message for each process.
    subroutine exchange(back)
      logical, intent(in) :: back
      real(rk), pointer, contiguous, dimension(:) :: theirs, ours, from, to

      do p = 0, size(self%begin) - 2
        theirs(1:self%nx * (self%begin(p + 1) - self%begin(p))) => self%part(:, self%begin(p):self%begin(p + 1) - 1)
        ours => self%parts(levels * self%before(p) + 1:levels * self%before(p + 1))
        if (back) then
          from => ours
          to => theirs
        else
          from => theirs
          to => ours
        end if
        if (p == self%mine) then
          to = from
        else if (silent) then
          to = 0.0_rk  ! cannot grow
        else
          if (size(to) > 0) call receive(to, self%row_of_processes + p)
          if (size(from) > 0) call send(from, self%row_of_processes + p)
        end if
      end do
      if (.not. silent) call wait_for_messages
    end subroutine exchange
  end subroutine run

  !> Messages and bytes that this process sends in one transpose there and back.
  function traffic(self) result(sent)
    class(transpose_type), intent(in) :: self
    integer(int64) :: sent(2)
    integer :: p, theirs, ours

    sent = 0
    if (silent .or. self%units == 0) return
    do p = 0, size(self%begin) - 2
      if (p == self%mine) cycle
      theirs = self%nx * (self%begin(p + 1) - self%begin(p))
      ours = (self%before(p + 1) - self%before(p)) * (self%begin(self%mine + 1) - self%begin(self%mine))
      if (theirs > 0) sent = sent + [1_int64, int(theirs, int64) * bytes_of_number]
      if (ours > 0) sent = sent + [1_int64, int(ours, int64) * bytes_of_number]
    end do
  end function traffic
end module transposes
