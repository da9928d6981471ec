!> The model: state, and one time step in the order of the equations (dycore/equations/hydrostatic.py).
module model_module
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type, halo
  use cases, only: parameters_type, initial_type
  use column_module, only: column_type, set_columns, set_widths
  use momentum, only: step_velocity, means_type
  use transport, only: step_tracers, flow_type
  use barotropic, only: prepare_depth_mean, step_depth_mean, traffic_of_depth_mean, between
  use polar_filter, only: filter_type
  use transposes, only: transpose_type
  use turbulence, only: mixed_type
  use halo_module, only: exchange_type, fill_rows, centre, west_face, south_face
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
    type(mixed_type) :: mixed  ! with turbulence only
    type(column_type), private :: column
    type(means_type), private :: means
    type(flow_type), private :: flow
    type(filter_type), private :: filter
    type(transpose_type), private :: transposed_velocity, transposed_tracers
    type(exchange_type), private :: after_momentum, after_step  ! all messages of a step, but for small parts of the grid
  contains
    procedure :: start, advance, newest, traffic
    procedure, private :: connect, exchange_state, start_turbulence
  end type model_type

contains

  !> At rest in time: all histories are the initial state, and the tendencies before it zero.
  subroutine start(self, initial, reproducible)
    class(model_type), intent(inout) :: self
    type(initial_type), intent(in) :: initial
    logical, intent(in) :: reproducible
    integer :: j, k, m

    associate (g => self%grid, nx => self%grid%nx, ny => self%grid%ny, nz => self%grid%nz, area => self%grid%plane, &
               volume => self%grid%stride * self%grid%nz * (self%grid%ny + 2 * halo))
      self%u(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%v(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%w(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      self%tracers(g%west:g%east, 1:nz, g%south:g%north, 1:3, 1:self%parameters%n_tracers) => zeros(volume * 3 * self%parameters%n_tracers)
      self%tendency_u(g%west:g%east, 1:nz, g%south:g%north, 1:2) => zeros(volume * 2)
      self%tendency_v(g%west:g%east, 1:nz, g%south:g%north, 1:2) => zeros(volume * 2)
      self%surface(g%far_west:g%far_east, g%far_south:g%far_north, 1:3) => zeros(3 * area)
      associate (f => self%flow, d => self%means)
        f%width_u(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        f%width_v(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        f%correction_u(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        f%correction_v(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        f%total(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        d%u_before(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        d%v_before(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        d%u(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
        d%v(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
      end associate
      if (allocated(self%parameters%turbulence)) call self%start_turbulence(volume, area)
      call self%filter%prepare(g, self%parameters%polar_latitude, reproducible)
      call self%connect

      self%surface = real(initial%surface, rk)
      do j = 1, ny
        do k = 1, nz
          self%u(1:nx, k, j) = merge(real(initial%u(:, k, j), rk), 0.0_rk, k >= g%floor_u(1:nx, j))
        end do
      end do
      call fill_rows(g, nz * ny, self%u(:, :, 1:ny))
      do m = 1, self%parameters%n_tracers
        self%tracers(1:nx, :, 1:ny, 1, m) = real(initial%tracers(:, :, :, m), rk)
        call fill_rows(g, nz * ny, self%tracers(:, :, 1:ny, 1, m))
      end do
      call self%exchange_state(1)
      self%tracers(:, :, :, 2, :) = self%tracers(:, :, :, 1, :)
      self%tracers(:, :, :, 3, :) = self%tracers(:, :, :, 1, :)
    end associate
  end subroutine start

  !> At rest: as much energy as there is at least, but at the surface, where the wind keeps it.
  subroutine start_turbulence(self, volume, area)
    class(model_type), intent(inout) :: self
    integer, intent(in) :: volume, area
    real(real64) :: top
    integer :: i, j

    associate (g => self%grid, nz => self%grid%nz, t => self%parameters%turbulence, m => self%mixed)
      m%energy(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%viscosity(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%diffusivity(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%rate(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%before_u(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%before_v(g%west:g%east, 1:nz, g%south:g%north) => zeros(volume)
      m%top(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
      m%exchange(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(area)
      m%energy = real(t%least_energy, rk)
      do j = 1, g%ny
        do i = 1, g%nx
          top = t%least_energy
          if (min(g%floor_u(i, j), g%floor_u(i + 1, j)) <= nz .and. allocated(self%parameters%stress_u)) &
            top = max(top, t%surface_factor * abs(self%parameters%stress_u(g%before_j + j)))
          m%top(i, j) = real(top, rk)
          m%exchange(i, j) = real(t%c_k * t%least_length * sqrt(top) + t%viscosity, rk)
        end do
      end do
    end associate
  end subroutine start_turbulence

  !> What is exchanged when, and how far the stencils reach for it: to the south, north, west and east.
  subroutine connect(self)
    class(model_type), intent(inout) :: self
    integer :: m, wide(4), near(4), filtered
    logical :: split

    associate (g => self%grid, p => self%parameters)
      split = p%substeps > 1
      wide = halo
      associate (x => self%after_momentum)
        if (split) then
          call prepare_depth_mean(g, p)
          wide = merge(max(between, halo), halo, [g%split_y, g%split_y, g%split_x, g%split_x])
          call x%add(1, west_face, wide, rows_filled=.false.)
          call x%add(1, south_face, wide, rows_filled=.false.)
          call x%add(1, west_face, wide, rows_filled=.false.)
          call x%add(1, south_face, wide, rows_filled=.false.)
        else
          call x%add(1, west_face, [0, 0, 0, 1], rows_filled=.false.)
          call x%add(1, south_face, [0, 1, 0, 0], rows_filled=.false.)
        end if
        call x%add(g%nz, west_face, [0, 0, 0, 1], rows_filled=.true.)
        call x%add(g%nz, south_face, [0, 1, 0, 0], rows_filled=.true.)
        call x%connect(g)
      end associate
      associate (x => self%after_step)
        call x%add(1, centre, wide, rows_filled=.false.)
        near = merge(2, 1, allocated(p%root_centre))  ! biharmonic friction reads twice as far
        call x%add(g%nz, west_face, near, rows_filled=.true.)
        call x%add(g%nz, south_face, near, rows_filled=.true.)
        call x%add(g%nz, centre, [1, 0, 1, 0], rows_filled=.true.)
        do m = 1, p%n_tracers
          call x%add(g%nz, centre, [2, 2, 2, 2], rows_filled=.true.)
        end do
        if (allocated(p%turbulence)) call x%add(g%nz, centre, [1, 0, 1, 0], rows_filled=.true.)
        call x%connect(g)
      end associate
      if (.not. g%split_x) return
      filtered = maxval(self%filter%row)
      call self%transposed_velocity%prepare(g, [(g%nz, m=1, 2 * filtered)], [((m + 1) / 2, m=1, 2 * filtered)], &
                                            [(modulo(m, 2) == 1, m=1, 2 * filtered)])
      associate (n => p%n_tracers + 2)
        call self%transposed_tracers%prepare(g, [(merge(1, g%nz, modulo(m, n) == 0), m=1, n * filtered)], &
                                             [((m - 1) / n + 1, m=1, n * filtered)], [(.false., m=1, n * filtered)])
      end associate
    end associate
  end subroutine connect

  !> Messages and bytes that this process sends in one step.
  function traffic(self) result(sent)
    class(model_type), intent(in) :: self
    integer(int64) :: sent(2)

    sent = self%after_momentum%traffic() + self%after_step%traffic() &
           + self%transposed_velocity%traffic() + self%transposed_tracers%traffic()
    if (self%parameters%substeps > 1) sent = sent + traffic_of_depth_mean()
  end function traffic

  !> Fills the halos of the state, with surface and tracers from one place in their histories.
  subroutine exchange_state(self, time)
    class(model_type), intent(inout) :: self
    integer, intent(in) :: time
    integer :: m

    associate (g => self%grid, x => self%after_step)
      x%fields(1)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => self%surface(:, :, time)
      x%fields(2)%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%u
      x%fields(3)%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%v
      x%fields(4)%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%w
      do m = 1, self%parameters%n_tracers
        x%fields(4 + m)%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%tracers(:, :, :, time, m)
      end do
      if (allocated(self%parameters%turbulence)) x%fields(size(x%fields))%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%mixed%energy
      call x%run(g)
    end associate
  end subroutine exchange_state

  !> Where in the histories of surface and tracers the newest values are.
  pure integer function newest(self)
    class(model_type), intent(in) :: self
    newest = 1 + modulo(-self%step, 3)
  end function newest

  !> One time step: pressure and velocity, mass, tracers.
  subroutine advance(self)
    class(model_type), intent(inout) :: self
    real(rk) :: weights(3)
    integer :: now, one, two, tendency_one, j
    logical :: split

    weights = real(adams_bashforth(:, min(self%step, 2) + 1), rk)
    now = self%newest()
    one = 1 + modulo(now, 3)
    two = 1 + modulo(one, 3)
    tendency_one = 1 + modulo(self%step, 2)
    split = self%parameters%substeps > 1
    associate (g => self%grid, p => self%parameters, surface => self%surface, flow => self%flow, means => self%means)
      call set_columns(g, p, surface(:, :, now), self%column)
      call step_velocity(g, p, self%filter, self%transposed_velocity, weights, extrapolated_pressure, self%column, surface(:, :, now), &
                         self%tracers, now, self%w, self%u, self%v, self%tendency_u, self%tendency_v, tendency_one, 3 - tendency_one, self%mixed, means)
      call exchange_velocity
      if (split) then
        call step_depth_mean(g, p, self%column, means, flow%correction_u, flow%correction_v, flow%total)
        flow%width_u = self%column%width_u
        flow%width_v = self%column%width_v
      else
        call unsplit
      end if
      call step_tracers(g, p, self%filter, self%transposed_tracers, weights, self%column, flow, means%u, means%v, &
                        self%u, self%v, self%w, surface, self%tracers, now, one, two, self%mixed)
      call self%exchange_state(two)
    end associate
    self%step = self%step + 1

  contains

    subroutine exchange_velocity
      associate (g => self%grid, x => self%after_momentum, means => self%means)
        if (split) then
          x%fields(3)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => means%u_before
          x%fields(4)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => means%v_before
        end if
        x%fields(1)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => means%u
        x%fields(2)%values(g%far_west:g%far_east, 1:1, g%far_south:g%far_north) => means%v
        x%fields(size(x%fields) - 1)%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%u
        x%fields(size(x%fields))%values(g%west:g%east, 1:g%nz, g%south:g%north) => self%v
        call x%run(g)
      end associate
    end subroutine exchange_velocity

    !> Velocity is settled; mass moves with it through the extrapolated thickness.
    subroutine unsplit
      real(rk), allocatable, dimension(:, :) :: ahead, through_u, through_v
      integer :: i

      associate (g => self%grid, flow => self%flow, means => self%means)
        ahead = weights(1) * self%surface(:, :, now) + (weights(2) * self%surface(:, :, one)) + weights(3) * self%surface(:, :, two)
        call set_widths(g, ahead, flow%width_u, flow%width_v)
        allocate (through_u, through_v, mold=g%fixed)
        through_u = flow%width_u * g%thickness_u * means%u
        through_v = flow%width_v * g%thickness_v * means%v
        do j = 1, g%ny
          !$omp simd
          do i = 1, g%nx
            flow%total(i, j) = g%inverse_area(j) * (through_u(i + 1, j) - through_u(i, j) + (through_v(i, j + 1) - through_v(i, j)))
          end do
        end do
      end associate
    end subroutine unsplit
  end subroutine advance
end module model_module
