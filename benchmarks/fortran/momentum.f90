!> Velocity one step later, before its depth mean is settled: vector-invariant advection that conserves energy,
!> the pressure force, friction, wind and the polar filter in one pass over memory, u and v in place.
!>
!> Iteration j works out what stands on the corners and centres of row j, level by level,
!> finishes v of row j and u of row j - 1, and keeps in `slices` what
!> the next row needs. The first pass of biharmonic friction runs a row ahead. So nothing is computed twice, and a velocity is overwritten when all have read it. Where x is
!> divided, filtered rows wait for each other: `transposed` holds their changes, and they are finished after the pass.
module momentum
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type
  use cases, only: parameters_type
  use column_module, only: column_type
  use polar_filter, only: filter_type
  use rows, only: close_row
  use transposes, only: transpose_type
  use halo_module, only: fill_rows
  use held_suarez_module, only: drag_row
  use momentum_rows
  use turbulence, only: mix, mixed_type
  use implicit, only: solve_velocity
  implicit none
  private
  public :: step_velocity

  !> Depth means of velocity (i, j) before and after the step (m/s).
  type, public :: means_type
    real(rk), pointer, contiguous, dimension(:, :) :: u_before, v_before, u, v
  end type means_type

  ! Vertical slices (i, k, parity of the row).
  real(rk), pointer, contiguous, dimension(:, :, :) :: buoyancy => null(), energy, push, north_flux, shear
  ! Of biharmonic friction: vorticity and divergence of the velocity, and what spreads them northward.
  real(rk), pointer, contiguous, dimension(:, :, :) :: turning, spreading, north_turning, north_spreading
  real(rk), pointer, contiguous, dimension(:) :: east_flux, scale_u, shift_u, scale_v, shift_v, phi, slow_offset, products  ! (i)
  real(rk), pointer, contiguous, dimension(:, :) :: through_u, through_v  ! (i, parity of the level): through upper faces
  real(rk), pointer, contiguous, dimension(:, :) :: change_u, change_v  ! (i, k) m/s2

contains

  subroutine step_velocity(g, p, filter, transposed, weights, share, column, surface, c, now, w, u, v, before_u, before_v, one, two, mixed, means)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(filter_type), intent(inout) :: filter
    type(transpose_type), intent(inout) :: transposed  ! of v and u of each filtered row
    real(rk), intent(in) :: weights(3)  ! Adams-Bashforth
    real(rk), intent(in) :: share       ! of the pressure force that is extrapolated
    type(column_type), intent(in) :: column
    real(rk), intent(in) :: surface(g%far_west:g%far_east, g%far_south:g%far_north)
    real(rk), intent(in) :: c(g%west:g%east, g%nz, g%south:g%north, 3, p%n_tracers)
    real(rk), intent(in) :: w(g%west:g%east, g%nz, g%south:g%north)
    real(rk), intent(inout), dimension(g%west:g%east, g%nz, g%south:g%north) :: u, v
    ! Tendencies one and two steps ago; the new ones replace the elder.
    real(rk), intent(inout), dimension(g%west:g%east, g%nz, g%south:g%north, 2) :: before_u, before_v
    integer, intent(in) :: now, one, two
    type(mixed_type), intent(inout) :: mixed  ! with turbulence only
    type(means_type), intent(inout) :: means
    real(rk), dimension(g%nz) :: layer, upper, whole
    real(rk) :: dt, rate, slope(2), reference(2), wind, drag(g%nz)
    real(rk), dimension(g%south:g%north) :: root_centre, root_corner, narrow_centre, narrow_corner, viscous_centre, viscous_corner
    integer :: i, j, k, here, last, nx, below, above, first
    logical :: land, friction, biharmonic

    nx = g%nx
    if (.not. associated(buoyancy)) then
      buoyancy(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      energy(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      push(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      north_flux(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      shear(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      east_flux(g%west:g%east) => zeros(g%stride)
      scale_u(g%west:g%east) => zeros(g%stride)
      shift_u(g%west:g%east) => zeros(g%stride)
      scale_v(g%west:g%east) => zeros(g%stride)
      shift_v(g%west:g%east) => zeros(g%stride)
      phi(g%west:g%east) => zeros(g%stride)
      slow_offset(g%west:g%east) => zeros(g%stride)
      products(g%west:g%east) => zeros(g%stride)
      through_u(g%west:g%east, 0:1) => zeros(2 * g%stride)
      through_v(g%west:g%east, 0:1) => zeros(2 * g%stride)
      change_u(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
      change_v(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
      if (allocated(p%root_centre)) then
        turning(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
        spreading(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
        north_turning(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
        north_spreading(g%west:g%east, 1:g%nz, 0:1) => zeros(2 * g%stride * g%nz)
      end if
    end if
    dt = real(p%time_step, rk)
    rate = real(1.0_real64 / max(p%polar_damping, p%time_step), rk)
    viscous_centre = real(p%viscosity, rk)
    viscous_corner = real(p%viscosity, rk)
    if (allocated(p%share_centre)) then
      viscous_centre = real(p%viscosity * p%share_centre, rk)
      viscous_corner = real(p%viscosity * p%share_corner, rk)
    end if
    friction = p%viscosity > 0.0_real64
    biharmonic = allocated(p%root_centre)
    if (biharmonic) then
      root_centre = real(p%root_centre, rk)
      root_corner = real(p%root_corner, rk)
      narrow_centre = real(p%narrow_centre, rk)
      narrow_corner = real(p%narrow_corner, rk)
    end if
    drag = 0.0_rk
    if (allocated(p%forcing)) drag = real(p%forcing%drag, rk)
    slope = real(p%buoyancy_slope, rk)
    reference = real(p%buoyancy_reference, rk)
    layer = real(p%height_layer, rk)
    upper = layer - real(p%height_face(2:), rk)
    whole = real(p%height_face(:g%nz), rk) - real(p%height_face(2:), rk)

    first = merge(1, 0, g%at_south)  ! of row 0 of others only the slices
    if (biharmonic) then
      do j = first - 2, first - 1
        do k = 1, g%nz
          call look_ahead
        end do
      end do
    end if
    do j = first, g%ny + 1
      here = modulo(j, 2)
      last = 1 - here
      do i = 0, nx
        phi(i) = real(p%surface_gravity, rk) * surface(i, j) + g%geopotential(j)
        slow_offset(i) = real(p%external, rk) * surface(i, j)
      end do
      do i = 1, nx
        scale_v(i) = 0.5_rk * (column%scale(i, j) - column%scale(i, j - 1))
        shift_v(i) = 0.5_rk * (column%shift(i, j) - column%shift(i, j - 1))
        scale_u(i) = 0.5_rk * (column%scale(i, j - 1) - column%scale(i - 1, j - 1))
        shift_u(i) = 0.5_rk * (column%shift(i, j - 1) - column%shift(i - 1, j - 1))
      end do
      through_u = 0.0_rk
      through_v = 0.0_rk
      if (j <= g%ny) call hydrostatics
      if (j <= g%ny .and. allocated(p%turbulence)) &
        call mix(g, p%turbulence, j, column%stretching(:, j), buoyancy(:, :, here), u(:, :, j), v(:, :, j), v(:, :, j + 1), mixed)
      do k = 1, g%nz
        land = k < max(g%open_level(j), g%open_level(j - 1))
        above = modulo(k, 2)
        below = 1 - above
        if (biharmonic) call look_ahead
        if (j > 0) call corners
        if (j <= g%ny) call centres
        if (j > first .and. j <= g%ny) call step_v
        if (j > 1) call step_u
      end do
      if (j == 1 .and. g%at_south) change_v = 0.0_rk
      if (j > 0 .and. j <= g%ny) then
        if (filter%row(j) > 0) call hold(v(:, :, j), change_v)
        if (g%split_x .and. filter%row(j) > 0) then
          call transposed%put(2 * filter%row(j) - 1, g%stride, change_v(1:, 1))
        else
          if (filter%row(j) > 0) call filter%apply(g%nz, g%stride, change_v(1:, 1), filter%faces(:, filter%row(j)))
          call finish_v(j)
        end if
      end if
      if (j > 1) then
        if (filter%row(j - 1) > 0) call hold(u(:, :, j - 1), change_u)
        if (g%split_x .and. filter%row(j - 1) > 0) then
          call transposed%put(2 * filter%row(j - 1), g%stride, change_u(1:, 1))
        else
          if (filter%row(j - 1) > 0) call filter%apply(g%nz, g%stride, change_u(1:, 1), filter%centres(:, filter%row(j - 1)))
          call finish_u(j - 1)
        end if
      end if
    end do
    if (allocated(p%turbulence)) mixed%before_v(:, :, g%ny + 1) = v(:, :, g%ny + 1)
    if (.not. g%split_x) return
    call transposed%run(filter)
    do j = 1, g%ny
      if (filter%row(j) == 0) cycle
      call transposed%get(2 * filter%row(j) - 1, g%stride, change_v(1:, 1))
      call finish_v(j)
      call transposed%get(2 * filter%row(j), g%stride, change_u(1:, 1))
      call finish_u(j)
    end do

  contains

    !> Vorticity of corners (i, j) and its fluxes through the faces that meet there.
    subroutine corners
      call product_row(nx + 2, column%width_v(0:, j), v(0, k, j), products(0:))
      if (biharmonic) then
        call fluxes(turning(1:, k, here))
        call spread_row(nx + 1, -(root_corner(j)**2 * narrow_corner(j) * g%dy * g%inverse_dx_v(j) * g%inverse_area_z(j)), &
                        -(root_corner(j) * g%inverse_area_z(j)), turning(0:, k, here), north_turning(1:, k, last), &
                        north_turning(1:, k, here), shear(1:, k, here))
      else
        call vorticity_row(nx + 1, g%dy * g%inverse_area_z(j), g%dx_u(j) * g%inverse_area_z(j), g%dx_u(j - 1) * g%inverse_area_z(j), &
                           u(1, k, j), u(1, k, j - 1), v(0, k, j), shear(1:, k, here))
        if (land) call close_row(nx + 1, k, g%floor_z(1, j), shear(1:, k, here))
        call fluxes(shear(1:, k, here))
      end if
    end subroutine corners

    subroutine fluxes(vorticity)
      real(rk), intent(in) :: vorticity(nx + 1)
      call vorticity_flux_row(nx + 1, g%coriolis(j), vorticity, column%inverse_z(1:, j), column%width_u(1:, j), &
                              column%width_u(1:, j - 1), products(0:), u(1, k, j), u(1, k, j - 1), &
                              north_flux(1:, k, here), east_flux(1:))
    end subroutine fluxes

    !> The first pass of biharmonic friction: vorticity and divergence of row j + 1, and what spreads them northward between
    !> rows j and j + 1: along the west faces of row j and through its north faces. It is used on the sphere alone, which has no sea floor.
    subroutine look_ahead
      integer :: north, this, next
      real(rk) :: eastward

      north = j + 1
      this = modulo(j, 2)
      next = 1 - this
      eastward = g%dy
      if (g%before_j + north < 1 .or. g%before_j + north > g%all_ny + 1) eastward = -g%dy  ! beyond a pole i counts the other way
      if (north >= 0) call vorticity_row(nx + 3, eastward * g%inverse_area_z(north), g%dx_u(north) * g%inverse_area_z(north), &
                                         g%dx_u(j) * g%inverse_area_z(north), u(0, k, north), u(0, k, j), v(-1, k, north), turning(0:, k, next))
      if (north <= g%ny + 1) call divergence_row(nx + 3, g%inverse_area(north) * [g%dy, g%dx_v(north), g%dx_v(north + 1)], &
                                                 u(-1, k, north), v(-1, k, north), v(-1, k, north + 1), spreading(-1:, k, next))
      if (north > 0) call step_row(nx + 1, g%dx_u(j) * g%inverse_dy * root_corner(north), g%dx_u(j) * g%inverse_dy * root_corner(j), &
                                   turning(1:, k, next), turning(1:, k, this), north_turning(1:, k, this))
      ! zero at the poles, where faces have no length
      if (north >= first .and. north <= g%ny + 1) &
        call step_row(nx + 1, g%dx_v(north) * g%inverse_dy * root_centre(north), g%dx_v(north) * g%inverse_dy * root_centre(j), &
                      spreading(0:, k, next), spreading(0:, k, this), north_spreading(0:, k, next))
    end subroutine look_ahead

    !> Buoyancy and pressure of row j. Tracers are read upwards, as they lie in memory: read in the order of the
    !> sweep they would come too late.
    subroutine hydrostatics
      do k = 1, g%nz
        call buoyancy_row(nx + 1, slope(1), reference(1), c(0, k, j, now, 1), buoyancy(0:, k, here), .false.)
        if (p%ocean) call buoyancy_row(nx + 1, slope(2), reference(2), c(0, k, j, now, 2), buoyancy(0:, k, here), .true.)
      end do
      do k = g%nz, 1, -1
        call hydrostatic_row(nx + 1, share, upper(k), whole(k), buoyancy(0:, k, here), column%scale(0:, j), slow_offset(0:), phi(0:), &
                             energy(0:, k, here), push(0:, k, here))
      end do
    end subroutine hydrostatics

    !> What gradients act on in row j: `energy` (m2/s2) is extrapolated, `push` is not.
    subroutine centres
      call product_row(nx + 2, u(0, k, j), u(0, k, j), products(0:))
      call energy_row(nx + 1, 0.25_rk * g%inverse_area(j) * [g%area_u(j), g%area_v(j), g%area_v(j + 1)], &
                      products(0:), v(0, k, j), v(0, k, j + 1), energy(0:, k, here))
      if (friction) call add_divergence_row(nx + 1, viscous_centre(j) * g%inverse_area(j) * [g%dy, g%dx_v(j), g%dx_v(j + 1)], &
                                            u(0, k, j), v(0, k, j), v(0, k, j + 1), push(0:, k, here))
      if (biharmonic) call add_spread_row(nx + 1, -(root_centre(j)**2 * narrow_centre(j) * g%dy * g%inverse_dx_u(j) * g%inverse_area(j)), &
                                          -(root_centre(j) * g%inverse_area(j)), spreading(-1:, k, here), &
                                          north_spreading(0:, k, here), north_spreading(0:, k, last), push(0:, k, here))
    end subroutine centres

    subroutine step_v
      if (k < g%nz) then
        call through_row(nx, w(1, k + 1, j), w(1, k + 1, j - 1), v(1, k + 1, j), v(1, k, j), through_v(1:, above))
        if (land) call close_row(nx, k, g%floor_v(1, j), through_v(1:, above))
      else
        through_v(:, above) = 0.0_rk
      end if
      call change_row(nx, -0.25_rk * g%inverse_dy, east_flux(1:), east_flux(2:), g%inverse_dy, g%inverse_dr(k), column%inverse_v(1:, j), &
                      through_v(1:, below), through_v(1:, above), layer(k), scale_v(1:), shift_v(1:), buoyancy(1:, k, last), buoyancy(1:, k, here), &
                      energy(1:, k, last), energy(1:, k, here), push(1:, k, last), push(1:, k, here), share, weights, &
                      before_v(1, k, j, one), before_v(1, k, j, two), change_v(1:, k))
      if (friction) call add_difference(nx, viscous_corner(j) * g%inverse_dx_v(j), shear(1:, k, here), shear(2:, k, here), change_v(1:, k))
      if (biharmonic) call add_difference(nx, g%inverse_dx_v(j), shear(1:, k, here), shear(2:, k, here), change_v(1:, k))
      if (drag(k) > 0.0_rk) call drag_row(nx, drag(k), weights(1), v(1, k, j), before_v(1, k, j, two), change_v(1:, k))
    end subroutine step_v

    !> u of row j - 1, the newest for which both rows of corners are known.
    subroutine step_u
      if (k < g%nz) then
        call through_row(nx, w(1, k + 1, j - 1), w(0, k + 1, j - 1), u(1, k + 1, j - 1), u(1, k, j - 1), through_u(1:, above))
        if (land) call close_row(nx, k, g%floor_u(1, j - 1), through_u(1:, above))
      else
        through_u(:, above) = 0.0_rk
      end if
      call change_row(nx, 0.25_rk * g%inverse_dx_u(j - 1), north_flux(1:, k, last), north_flux(1:, k, here), g%inverse_dx_u(j - 1), &
                      g%inverse_dr(k), column%inverse_u(1:, j - 1), through_u(1:, below), through_u(1:, above), layer(k), scale_u(1:), shift_u(1:), &
                      buoyancy(0:, k, last), buoyancy(1:, k, last), energy(0:, k, last), energy(1:, k, last), push(0:, k, last), &
                      push(1:, k, last), share, weights, before_u(1, k, j - 1, one), before_u(1, k, j - 1, two), change_u(1:, k))
      if (friction .and. .not. allocated(p%share_corner)) &
        call add_difference(nx, -viscous_corner(j) * g%inverse_dy, shear(1:, k, last), shear(1:, k, here), change_u(1:, k))
      if (allocated(p%share_corner)) call add_step_row(nx, -viscous_corner(j) * g%inverse_dy, -viscous_corner(j - 1) * g%inverse_dy, &
                                                       shear(1:, k, here), shear(1:, k, last), change_u(1:, k))
      if (biharmonic) call add_difference(nx, -g%inverse_dy, shear(1:, k, last), shear(1:, k, here), change_u(1:, k))
      if (drag(k) > 0.0_rk) call drag_row(nx, drag(k), weights(1), u(1, k, j - 1), before_u(1, k, j - 1, two), change_u(1:, k))
      if (k == g%nz .and. allocated(p%stress_u)) then
        wind = real(p%stress_u(g%before_j + j - 1), rk) * g%inverse_dr(k)
        before_u(1:nx, k, j - 1, two) = before_u(1:nx, k, j - 1, two) + wind * column%inverse_u(1:nx, j - 1)
        change_u(1:nx, k) = change_u(1:nx, k) + weights(1) * wind * column%inverse_u(1:nx, j - 1)
      end if
    end subroutine step_u

    !> What the filter slows down it also takes away: it acts on the change with the velocity / polar_damping, which
    !> `finish` takes off again.
    subroutine hold(velocity, change)
      real(rk), intent(in) :: velocity(g%west:g%east, g%nz)
      real(rk), intent(inout) :: change(g%west:g%east, g%nz)
      integer :: level

      do level = 1, g%nz
        change(1:nx, level) = change(1:nx, level) + rate * velocity(1:nx, level)
      end do
    end subroutine hold

    subroutine finish_u(row)
      integer, intent(in) :: row
      if (allocated(p%turbulence)) mixed%before_u(:, :, row) = u(:, :, row)
      call finish(row, 1, g%floor_u(g%west:g%east, row), g%inverse_thickness_u(g%west:g%east, row), column%inverse_u(g%west:g%east, row), &
                  change_u, u(:, :, row), means%u_before(g%west:g%east, row), means%u(g%west:g%east, row))
    end subroutine finish_u

    subroutine finish_v(row)
      integer, intent(in) :: row
      if (allocated(p%turbulence)) mixed%before_v(:, :, row) = v(:, :, row)
      call finish(row, 0, g%floor_v(g%west:g%east, row), g%inverse_thickness_v(g%west:g%east, row), column%inverse_v(g%west:g%east, row), &
                  change_v, v(:, :, row), means%v_before(g%west:g%east, row), means%v(g%west:g%east, row))
    end subroutine finish_v

    !> Adds the (filtered) change to a slice of velocity and takes its depth means.
    subroutine finish(row, shift, floor, inverse_thickness, inverse_stretching, change, velocity, mean_before, mean)
      integer, intent(in) :: row, shift  ! of the cells on the other side of the faces: 1 to the west, or a row to the south
      integer, intent(in) :: floor(g%west:g%east)
      real(rk), intent(in), dimension(g%west:g%east) :: inverse_thickness, inverse_stretching
      real(rk), intent(inout) :: change(g%west:g%east, g%nz)
      real(rk), intent(inout) :: velocity(g%west:g%east, g%nz)
      real(rk), intent(inout), dimension(g%west:g%east) :: mean_before, mean
      integer :: level

      mean_before = 0.0_rk
      mean = 0.0_rk
      do level = 1, g%nz
        if (filter%row(row) > 0) change(1:nx, level) = change(1:nx, level) - rate * velocity(1:nx, level)
        if (level < g%open_level(row)) call close_row(nx, level, floor(1), change(1, level))
        if (allocated(p%turbulence)) cycle
        call finish_row(nx, dt, g%dr(level), change(1, level), velocity(1, level), mean_before(1), mean(1))
      end do
      if (allocated(p%turbulence)) &
        call solve_velocity(g, dt, real(p%turbulence%linear_drag, rk), g%open_level(row), floor, inverse_stretching, &
                            mixed%viscosity(:, :, row), mixed%viscosity(:, :, row - 1 + shift), shift, change, velocity, mean_before, mean)
      mean_before = mean_before * inverse_thickness
      mean = mean * inverse_thickness
      call fill_rows(g, g%nz, velocity)
    end subroutine finish
  end subroutine step_velocity
end module momentum
