!> The model: state, and one time step in the order of the equations (dycore/model.py, `_step`).
module model_module
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type, halo
  use cases, only: parameters_type, initial_type
  use column_module, only: column_type, set_columns, set_widths
  use momentum, only: step_velocity, means_type
  use transport, only: step_tracers, flow_type
  use barotropic, only: step_depth_mean
  use polar_filter, only: filter_type
  use halo_module, only: fill, fill_ends, centre, west_face, south_face
  implicit none
  private

  real(rk), parameter :: extrapolated_pressure = 0.1_rk  ! share of the pressure force
  real(real64), parameter :: adams_bashforth(3, 3) = reshape( &
                             [12, 0, 0, 18, -6, 0, 23, -16, 5] / 12.0_real64, [3, 3])

  type, public :: model_type
    type(grid_type) :: grid
    type(parameters_type) :: parameters
    real(rk), pointer, contiguous, dimension(:, :, :) :: u, v, w  ! (i, k, j) m/s, m/s, unit of r per s
    real(rk), pointer, contiguous :: surface(:, :, :)        ! (i, j, time) unit of r
    real(rk), pointer, contiguous :: tracers(:, :, :, :, :)  ! (i, k, j, time, tracer)
    real(rk), pointer, contiguous, dimension(:, :, :, :) :: tendency_u, tendency_v  ! (i, k, j, time) m/s2
    integer :: step = 0
    type(column_type), private :: column
    type(means_type), private :: means
    type(flow_type), private :: flow
    type(filter_type), private :: filter
    real(rk), pointer, contiguous, private :: inverse_new(:, :)
  contains
    procedure :: start, advance, newest
  end type model_type

contains

  !> At rest in time: all histories are the initial state, and the tendencies before it zero.
  subroutine start(self, initial)
    class(model_type), intent(inout) :: self
    type(initial_type), intent(in) :: initial
    integer :: j, k, m

    associate (g => self%grid, nx => self%grid%nx, ny => self%grid%ny, nz => self%grid%nz, &
               area => self%grid%stride * (self%grid%ny + 2 * halo), &
               volume => self%grid%stride * self%grid%nz * (self%grid%ny + 2 * halo))
      self%u(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%v(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%w(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%tracers(g%west:g%east, 1:nz, g%south:g%north, 1:3, 1:self%parameters%n_tracers) => zeros(volume * 3 * self%parameters%n_tracers)
      self%tendency_u(g%west:g%east, 1:nz, g%south:g%north, 1:2) => zeros(volume * 2)
      self%tendency_v(g%west:g%east, 1:nz, g%south:g%north, 1:2) => zeros(volume * 2)
      self%surface(g%west:g%east, g%south:g%north, 1:3) => zeros(3 * area)
      self%surface = real(initial%surface, rk)
      do j = 1, ny
        do k = 1, nz
          self%u(1:nx, k, j) = merge(real(initial%u(:, k, j), rk), 0.0_rk, k >= g%floor_u(1:nx, j))
        end do
      end do
      call fill(g, nz, west_face, self%u)
      do m = 1, self%parameters%n_tracers
        self%tracers(1:nx, :, 1:ny, 1, m) = real(initial%tracers(:, :, :, m), rk)
        call fill(g, nz, centre, self%tracers(:, :, :, 1, m))
        self%tracers(:, :, :, 2, m) = self%tracers(:, :, :, 1, m)
        self%tracers(:, :, :, 3, m) = self%tracers(:, :, :, 1, m)
      end do
      self%inverse_new(g%west:g%east, g%south:g%north) => zeros(area)
      associate (f => self%flow, d => self%means)
        f%width_u(g%west:g%east, g%south:g%north) => zeros(area)
        f%width_v(g%west:g%east, g%south:g%north) => zeros(area)
        f%correction_u(g%west:g%east, g%south:g%north) => zeros(area)
        f%correction_v(g%west:g%east, g%south:g%north) => zeros(area)
        f%total(g%west:g%east, g%south:g%north) => zeros(area)
        d%u_before(g%west:g%east, g%south:g%north) => zeros(area)
        d%v_before(g%west:g%east, g%south:g%north) => zeros(area)
        d%u(g%west:g%east, g%south:g%north) => zeros(area)
        d%v(g%west:g%east, g%south:g%north) => zeros(area)
      end associate
      call self%filter%prepare(g, self%parameters%polar_latitude)
    end associate
  end subroutine start

  !> Where in the histories of surface and tracers the newest values are.
  pure integer function newest(self)
    class(model_type), intent(in) :: self
    newest = 1 + modulo(-self%step, 3)
  end function newest

  !> One time step: pressure and velocity, mass, tracers.
  subroutine advance(self)
    class(model_type), intent(inout) :: self
    real(rk) :: weights(3), dt
    integer :: now, one, two, tendency_one, m, j
    logical :: split

    weights = real(adams_bashforth(:, min(self%step, 2) + 1), rk)
    now = self%newest()
    one = 1 + modulo(now, 3)
    two = 1 + modulo(one, 3)
    tendency_one = 1 + modulo(self%step, 2)
    split = self%parameters%substeps > 1
    dt = real(self%parameters%time_step, rk)
    associate (g => self%grid, p => self%parameters, surface => self%surface, flow => self%flow, means => self%means)
      call set_columns(g, p, surface(:, :, now), self%column)
      call step_velocity(g, p, self%filter, weights, extrapolated_pressure, self%column, surface(:, :, now), self%tracers, now, &
                         self%w, self%u, self%v, self%tendency_u, self%tendency_v, tendency_one, 3 - tendency_one, means)
      if (split) then
        call step_depth_mean(g, p, self%column, means, flow%correction_u, flow%correction_v, flow%total)
        flow%width_u = self%column%width_u
        flow%width_v = self%column%width_v
      else
        call unsplit
      end if
      do j = 1, g%ny
        surface(1:g%nx, j, two) = surface(1:g%nx, j, now) - dt * flow%total(1:g%nx, j)
        self%inverse_new(1:g%nx, j) = 1.0_rk / ((surface(1:g%nx, j, two) - g%fixed(1:g%nx, j)) * g%inverse_thickness(1:g%nx, j))
      end do
      call fill(g, 1, centre, surface(:, :, two))
      call step_tracers(g, p, self%filter, weights, self%column, flow, self%inverse_new, means%u, means%v, &
                        self%u, self%v, self%w, self%tracers, now, one, two)
      call fill_ends(g, g%nz, west_face, self%u)
      call fill_ends(g, g%nz, south_face, self%v)
      call fill_ends(g, g%nz, centre, self%w)
      do m = 1, p%n_tracers
        call fill_ends(g, g%nz, centre, self%tracers(:, :, :, two, m))
      end do
    end associate
    self%step = self%step + 1

  contains

    !> Velocity is settled; mass moves with it through the extrapolated thickness.
    subroutine unsplit
      real(rk), allocatable :: ahead(:, :)
      integer :: i

      associate (g => self%grid, flow => self%flow, means => self%means)
        ahead = weights(1) * self%surface(:, :, now) + weights(2) * self%surface(:, :, one) + weights(3) * self%surface(:, :, two)
        call set_widths(g, ahead, flow%width_u, flow%width_v)
        call fill(g, 1, west_face, means%u)
        call fill(g, 1, south_face, means%v)
        do j = 1, g%ny
          !$omp simd
          do i = 1, g%nx
            flow%total(i, j) = g%inverse_area(j) * ( &
                               flow%width_u(i + 1, j) * g%thickness_u(i + 1, j) * means%u(i + 1, j) &
                               - flow%width_u(i, j) * g%thickness_u(i, j) * means%u(i, j) &
                               + (flow%width_v(i, j + 1) * g%thickness_v(i, j + 1) * means%v(i, j + 1) &
                                  - flow%width_v(i, j) * g%thickness_v(i, j) * means%v(i, j)))
          end do
          if (self%filter%row(j) > 0) call self%filter%apply(1, g%nx, flow%total(1:g%nx, j), self%filter%centres(:, self%filter%row(j)))
        end do
      end associate
    end subroutine unsplit
  end subroutine advance
end module model_module
