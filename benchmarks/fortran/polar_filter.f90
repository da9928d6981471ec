!> The polar filter: zonal wavenumber m of a row at latitude phi poleward of phi_c is multiplied by
!>
!>     S(m) = min(1, [cos(phi) / cos(phi_c)] / sin(m pi / nx))^2
!>
!> With USE_FFTW through FFTW3, else as the circulant matrix of S times the rows of all levels.
module polar_filter
  use precision, only: rk, real64, pi
  use grid_module, only: grid_type
  use memory, only: zeros
#ifdef USE_FFTW
  use, intrinsic :: iso_c_binding
#endif
  implicit none
  private

#ifdef USE_FFTW
  include 'fftw3.f03'
  character(*), parameter, public :: filter_method = "FFTW3"
#else
  character(*), parameter, public :: filter_method = "circulant matrices (no FFTW3 when this was built)"
#endif

  type, public :: filter_type
    integer :: nx = 0
    integer, allocatable :: row(:)  ! (j) the response of row j; zero where it is not filtered
    ! (wavenumber or distance, row) of rows of centres and of south faces
    real(rk), allocatable, dimension(:, :) :: centres, faces
#ifdef USE_FFTW
    type(c_ptr) :: forward = c_null_ptr, backward = c_null_ptr
    complex(rk), pointer, contiguous :: pair(:), spectrum(:)  ! on cache lines: FFTW does other sums where they lie otherwise
#endif
  contains
    procedure :: prepare, apply
  end type filter_type

contains

  subroutine prepare(self, g, latitude, reproducible)
    class(filter_type), intent(inout) :: self
    type(grid_type), intent(in) :: g
    real(real64), intent(in) :: latitude  ! degrees
    logical, intent(in) :: reproducible   ! FFTW goes by rules, not by a stopwatch: all runs do the same sums
    integer :: rows, j, m

    self%nx = g%all_nx
    allocate (self%row(g%south:g%north), source=0)
    if (.not. g%sphere) return
    rows = (count(abs(g%y_face(1:g%all_ny)) * 180.0_real64 / pi > latitude) + 1) / 2 + 1
    rows = min(rows, g%all_ny / 2)
    m = 0
    do j = 1, g%ny
      if (g%before_j + j > rows .and. g%before_j + j <= g%all_ny - rows) cycle
      m = m + 1
      self%row(j) = m
    end do
    allocate (self%centres(0:self%nx - 1, m), self%faces(0:self%nx - 1, m))
    do j = 1, g%ny
      if (self%row(j) == 0) cycle
      call response(self%centres(:, self%row(j)), g%y(g%before_j + j))
      call response(self%faces(:, self%row(j)), g%y_face(g%before_j + j))
    end do
#ifdef USE_FFTW
    block
      integer(c_int) :: n
      real(rk), pointer, contiguous :: numbers(:)
      n = int(self%nx, c_int)
      numbers => zeros(2 * self%nx)
      call c_f_pointer(c_loc(numbers), self%pair, [self%nx])
      numbers => zeros(2 * self%nx)
      call c_f_pointer(c_loc(numbers), self%spectrum, [self%nx])
      call plan(n, merge(FFTW_ESTIMATE, FFTW_MEASURE, reproducible), self%pair, self%spectrum, self%forward, self%backward)
    end block
#endif
  contains
    subroutine response(values, phi)
      real(rk), intent(out) :: values(0:)
      real(real64), intent(in) :: phi
      real(real64) :: ratio, s(0:self%nx - 1)

      ratio = max(cos(phi), 0.0_real64) / cos(latitude * pi / 180.0_real64)
      s(0) = 1.0_real64
      do m = 1, self%nx - 1
        s(m) = min(1.0_real64, ratio / sin(min(m, self%nx - m) * pi / self%nx))**2
      end do
#ifdef USE_FFTW
      values = real(s / self%nx, rk)  ! the transforms of FFTW are not normalised
#else
      do m = 0, self%nx - 1
        values(m) = real(sum(s * cos([(2.0_real64 * pi / self%nx * modulo(m * j, self%nx), j=0, self%nx - 1)])) / self%nx, rk)
      end do
#endif
    end subroutine response
  end subroutine prepare

#ifdef USE_FFTW
  !> Filters n rows in place.
  subroutine apply(self, n, stride, rows, response)
    class(filter_type), intent(inout) :: self
    integer, intent(in) :: n, stride
    real(rk), intent(inout) :: rows(stride, n)
    real(rk), intent(in) :: response(0:self%nx - 1)
    integer :: m, i

    ! The response is real and even, so that real and imaginary part are filtered each on its own: two
    ! levels make one complex transform, and the pair stays in the first cache from here to there.
    do m = 1, n, 2
      associate (z => self%pair, s => self%spectrum, second => min(m + 1, n))
        do i = 1, self%nx
          z(i) = cmplx(rows(i, m), rows(i, second), rk)
        end do
        call transform(self%forward, z, s)
        do i = 1, self%nx
          s(i) = response(i - 1) * s(i)
        end do
        call transform(self%backward, s, z)
        do i = 1, self%nx
          rows(i, m) = real(z(i), rk)
          rows(i, second) = merge(aimag(z(i)), real(z(i), rk), second > m)
        end do
      end associate
    end do
  end subroutine apply

  subroutine transform(which, from, to)
    type(c_ptr), intent(in) :: which
    complex(rk), intent(inout) :: from(*), to(*)
#ifdef SINGLE
    call fftwf_execute_dft(which, from, to)
#else
    call fftw_execute_dft(which, from, to)
#endif
  end subroutine transform

  subroutine plan(n, how, z, s, forward, backward)
    integer(c_int), intent(in) :: n, how
    complex(rk), intent(inout) :: z(*), s(*)
    type(c_ptr), intent(out) :: forward, backward
#ifdef SINGLE
    forward = fftwf_plan_dft_1d(n, z, s, FFTW_FORWARD, how)
    backward = fftwf_plan_dft_1d(n, s, z, FFTW_BACKWARD, how)
#else
    forward = fftw_plan_dft_1d(n, z, s, FFTW_FORWARD, how)
    backward = fftw_plan_dft_1d(n, s, z, FFTW_BACKWARD, how)
#endif
  end subroutine plan
#else
  !> Filters n rows in place.
  subroutine apply(self, n, stride, rows, response)
    class(filter_type), intent(inout) :: self
    integer, intent(in) :: n, stride
    real(rk), intent(inout) :: rows(stride, n)
    real(rk), intent(in) :: response(0:self%nx - 1)  ! of a unit pulse, by distance: even and periodic
    integer, parameter :: block = 4  ! rows that share a pass over the response
    real(rk) :: twice(0:2 * self%nx - 1), filtered(self%nx, block)
    integer :: m, i, l, last

    twice(:self%nx - 1) = response
    twice(self%nx:) = response
    do m = 1, n, block
      last = min(block, n - m + 1)
      filtered = 0.0_rk
      do i = 1, self%nx
        do l = 1, last
          filtered(:, l) = filtered(:, l) + rows(i, m + l - 1) * twice(self%nx - i + 1:2 * self%nx - i)
        end do
      end do
      rows(:self%nx, m:m + last - 1) = filtered(:, :last)
    end do
  end subroutine apply
#endif
end module polar_filter
