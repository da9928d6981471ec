!> The polar filter: zonal wavenumber m of a row at latitude phi poleward of phi_c is multiplied by
!>
!>     S(m) = min(1, [cos(phi) / cos(phi_c)] / sin(m pi / nx))^2
!>
!> With USE_FFTW through FFTW3, else as the circulant matrix of S times the rows of all levels.
module polar_filter
  use precision, only: rk, real64, pi
  use grid_module, only: grid_type
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
    complex(rk), allocatable :: pair(:), spectrum(:)
#endif
  contains
    procedure :: prepare, apply
  end type filter_type

contains

  subroutine prepare(self, g, latitude)
    class(filter_type), intent(inout) :: self
    type(grid_type), intent(in) :: g
    real(real64), intent(in) :: latitude  ! degrees
    integer :: rows, j, m

    self%nx = g%nx
    allocate (self%row(g%south:g%north), source=0)
    if (.not. g%sphere) return
    rows = (count(abs(g%y_face(1:g%ny)) * 180.0_real64 / pi > latitude) + 1) / 2 + 1
    rows = min(rows, g%ny / 2)
    self%row(1:rows) = [(j, j=1, rows)]
    self%row(g%ny - rows + 1:g%ny) = [(rows + j, j=1, rows)]
    allocate (self%centres(0:g%nx - 1, 2 * rows), self%faces(0:g%nx - 1, 2 * rows))
    do j = 1, g%ny
      if (self%row(j) == 0) cycle
      call response(self%centres(:, self%row(j)), g%y(j))
      call response(self%faces(:, self%row(j)), g%y_face(j))
    end do
#ifdef USE_FFTW
    block
      integer(c_int) :: n
      n = int(g%nx, c_int)
      allocate (self%pair(g%nx), self%spectrum(g%nx))
      call plan(n, self%pair, self%spectrum, self%forward, self%backward)
    end block
#endif
  contains
    subroutine response(values, phi)
      real(rk), intent(out) :: values(0:)
      real(real64), intent(in) :: phi
      real(real64) :: ratio, s(0:g%nx - 1)

      ratio = max(cos(phi), 0.0_real64) / cos(latitude * pi / 180.0_real64)
      s(0) = 1.0_real64
      do m = 1, g%nx - 1
        s(m) = min(1.0_real64, ratio / sin(min(m, g%nx - m) * pi / g%nx))**2
      end do
#ifdef USE_FFTW
      values = real(s / g%nx, rk)  ! the transforms of FFTW are not normalised
#else
      do m = 0, g%nx - 1
        values(m) = real(sum(s * cos([(2.0_real64 * pi / g%nx * modulo(m * j, g%nx), j=0, g%nx - 1)])) / g%nx, rk)
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

  subroutine plan(n, z, s, forward, backward)
    integer(c_int), intent(in) :: n
    complex(rk), intent(inout) :: z(*), s(*)
    type(c_ptr), intent(out) :: forward, backward
#ifdef SINGLE
    forward = fftwf_plan_dft_1d(n, z, s, FFTW_FORWARD, FFTW_MEASURE)
    backward = fftwf_plan_dft_1d(n, s, z, FFTW_BACKWARD, FFTW_MEASURE)
#else
    forward = fftw_plan_dft_1d(n, z, s, FFTW_FORWARD, FFTW_MEASURE)
    backward = fftw_plan_dft_1d(n, s, z, FFTW_BACKWARD, FFTW_MEASURE)
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
