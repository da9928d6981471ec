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

  subroutine step_velocity(g, p, filter, transposed, weights, share, column, surface, c, now, w, u, v, before_u, before_v, one, two, means)
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
    type(means_type), intent(inout) :: means
    real(rk), dimension(g%nz) :: layer, upper, whole
    real(rk) :: dt, rate, viscosity, slope(2), reference(2), wind, drag(g%nz)
    real(rk), dimension(g%south:g%north) :: root_centre, root_corner, narrow_centre, narrow_corner
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
    viscosity = real(p%viscosity, rk)
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
      if (friction) call add_divergence_row(nx + 1, viscosity * g%inverse_area(j) * [g%dy, g%dx_v(j), g%dx_v(j + 1)], &
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
      if (friction) call add_difference(nx, viscosity * g%inverse_dx_v(j), shear(1:, k, here), shear(2:, k, here), change_v(1:, k))
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
      if (friction) call add_difference(nx, -viscosity * g%inverse_dy, shear(1:, k, last), shear(1:, k, here), change_u(1:, k))
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
      call finish(row, g%floor_u(g%west:g%east, row), g%inverse_thickness_u(g%west:g%east, row), change_u, u(:, :, row), &
                  means%u_before(g%west:g%east, row), means%u(g%west:g%east, row))
    end subroutine finish_u

    subroutine finish_v(row)
      integer, intent(in) :: row
      call finish(row, g%floor_v(g%west:g%east, row), g%inverse_thickness_v(g%west:g%east, row), change_v, v(:, :, row), &
                  means%v_before(g%west:g%east, row), means%v(g%west:g%east, row))
    end subroutine finish_v

    !> Adds the (filtered) change to a slice of velocity and takes its depth means.
    subroutine finish(row, floor, inverse_thickness, change, velocity, mean_before, mean)
      integer, intent(in) :: row
      integer, intent(in) :: floor(g%west:g%east)
      real(rk), intent(in) :: inverse_thickness(g%west:g%east)
      real(rk), intent(inout) :: change(g%west:g%east, g%nz)
      real(rk), intent(inout) :: velocity(g%west:g%east, g%nz)
      real(rk), intent(inout), dimension(g%west:g%east) :: mean_before, mean
      integer :: level

      mean_before = 0.0_rk
      mean = 0.0_rk
      do level = 1, g%nz
        if (filter%row(row) > 0) change(1:nx, level) = change(1:nx, level) - rate * velocity(1:nx, level)
        if (level < g%open_level(row)) call close_row(nx, level, floor(1), change(1, level))
        call finish_row(nx, dt, g%dr(level), change(1, level), velocity(1, level), mean_before(1), mean(1))
      end do
      mean_before = mean_before * inverse_thickness
      mean = mean * inverse_thickness
      call fill_rows(g, g%nz, velocity)
    end subroutine finish
  end subroutine step_velocity

  ! Rows. Dummy arguments do not alias and have no bounds to look up, so that each loop becomes plain vector code.
  !
  ! Where two products are added, the compiler fuses either one with the addition, in vector code perhaps another than for
  ! the last cells of a row. Results would then depend on the length of rows, hence on the number of processes. So the
  ! second product is in parentheses: it is rounded, and the first one fused. A product that two neighbours share is worked
  ! out in a loop before, for it is not fused where the compiler has seen that.

  pure subroutine vorticity_row(n, along_y, along_x, along_x_south, u, u_south, v, zeta)
    integer, intent(in) :: n
    real(rk), intent(in) :: along_y, along_x, along_x_south, u(n), u_south(n), v(0:n)
    real(rk), intent(out) :: zeta(n)
    integer :: i
    do i = 1, n
      zeta(i) = along_y * (v(i) - v(i - 1)) - (along_x * u(i)) + along_x_south * u_south(i)
    end do
  end subroutine vorticity_row

  pure subroutine product_row(n, a, b, product)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n), b(n)
    real(rk), intent(out) :: product(n)
    integer :: i
    do i = 1, n
      product(i) = a(i) * b(i)
    end do
  end subroutine product_row

  pure subroutine vorticity_flux_row(n, f, zeta, inverse_z, width_u, width_u_south, through_v, u, u_south, north, east)
    integer, intent(in) :: n
    real(rk), intent(in) :: f
    real(rk), intent(in), dimension(n) :: zeta, inverse_z, width_u, width_u_south, u, u_south
    real(rk), intent(in) :: through_v(0:n)
    real(rk), intent(out) :: north(n), east(n)
    real(rk) :: q
    integer :: i
    do i = 1, n
      q = (f + zeta(i)) * inverse_z(i)
      north(i) = q * (through_v(i) + through_v(i - 1))
      east(i) = q * (width_u(i) * u(i) + (width_u_south(i) * u_south(i)))
    end do
  end subroutine vorticity_flux_row

  pure subroutine buoyancy_row(n, slope, reference, c, b, add)
    integer, intent(in) :: n
    real(rk), intent(in) :: slope, reference, c(n)
    real(rk), intent(inout) :: b(n)
    logical, intent(in) :: add
    integer :: i
    if (add) then
      do i = 1, n
        b(i) = b(i) + slope * (c(i) - reference)
      end do
    else
      do i = 1, n
        b(i) = slope * (c(i) - reference)
      end do
    end if
  end subroutine buoyancy_row

  !> The hydrostatic sweep: phi is that of the upper face on entry, of the lower one on return.
  pure subroutine hydrostatic_row(n, share, upper, whole, b, scale, slow_offset, phi, energy, push)
    integer, intent(in) :: n
    real(rk), intent(in) :: share, upper, whole, b(n), scale(n), slow_offset(n)
    real(rk), intent(inout) :: phi(n)
    real(rk), intent(out) :: energy(n), push(n)
    real(rk) :: middle, slow, weight
    integer :: i
    do i = 1, n
      weight = b(i) * scale(i)
      middle = phi(i) + weight * upper
      slow = (share * (middle - slow_offset(i)))
      phi(i) = phi(i) + weight * whole
      energy(i) = slow
      push(i) = slow - middle
    end do
  end subroutine hydrostatic_row

  !> Adds kinetic energy.
  pure subroutine energy_row(n, areas, u_squared, v, v_north, energy)
    integer, intent(in) :: n
    real(rk), intent(in) :: areas(3), u_squared(n + 1), v(n), v_north(n)
    real(rk), intent(inout) :: energy(n)
    integer :: i
    do i = 1, n
      energy(i) = energy(i) + (areas(1) * (u_squared(i) + u_squared(i + 1)) + (areas(2) * (v(i) * v(i))) &
                               + areas(3) * (v_north(i) * v_north(i)))
    end do
  end subroutine energy_row

  pure subroutine divergence_row(n, factors, u, v, v_north, divergence)
    integer, intent(in) :: n
    real(rk), intent(in) :: factors(3), u(n + 1), v(n), v_north(n)
    real(rk), intent(out) :: divergence(n)
    integer :: i
    do i = 1, n
      divergence(i) = factors(1) * (u(i + 1) - u(i)) + (factors(3) * v_north(i) - (factors(2) * v(i)))
    end do
  end subroutine divergence_row

  pure subroutine add_divergence_row(n, factors, u, v, v_north, push)
    integer, intent(in) :: n
    real(rk), intent(in) :: factors(3), u(n + 1), v(n), v_north(n)
    real(rk), intent(inout) :: push(n)
    integer :: i
    do i = 1, n
      push(i) = push(i) + (factors(1) * (u(i + 1) - u(i)) + (factors(3) * v_north(i) - (factors(2) * v(i))))
    end do
  end subroutine add_divergence_row

  !> What spreads vorticity or divergence from one row to the next.
  pure subroutine step_row(n, factor1, factor2, a1, a2, step)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor1, factor2, a1(n), a2(n)
    real(rk), intent(out) :: step(n)
    integer :: i
    do i = 1, n
      step(i) = factor1 * a1(i) - (factor2 * a2(i))
    end do
  end subroutine step_row

  !> How a row spreads, along itself and by what comes from the south and goes north.
  pure subroutine spread_row(n, along, across, a, from_south, to_north, spread)
    integer, intent(in) :: n
    real(rk), intent(in) :: along, across, a(0:n + 1), from_south(n), to_north(n)
    real(rk), intent(out) :: spread(n)
    integer :: i
    do i = 1, n
      spread(i) = along * ((a(i + 1) - a(i)) - (a(i) - a(i - 1))) + (across * (to_north(i) - from_south(i)))
    end do
  end subroutine spread_row

  !> Adds the same.
  pure subroutine add_spread_row(n, along, across, a, from_south, to_north, spread)
    integer, intent(in) :: n
    real(rk), intent(in) :: along, across, a(0:n + 1), from_south(n), to_north(n)
    real(rk), intent(inout) :: spread(n)
    integer :: i
    do i = 1, n
      spread(i) = spread(i) + (along * ((a(i + 1) - a(i)) - (a(i) - a(i - 1))) + (across * (to_north(i) - from_south(i))))
    end do
  end subroutine add_spread_row

  pure subroutine through_row(n, w, w_other, velocity, velocity_under, through)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: w, w_other, velocity, velocity_under
    real(rk), intent(out) :: through(n)
    integer :: i
    do i = 1, n
      through(i) = (w(i) + w_other(i)) * (velocity(i) - velocity_under(i))
    end do
  end subroutine through_row

  !> Either component: 1 is the cell west or south of the face, 2 the cell east or north of it.
  pure subroutine change_row(n, rotation, flux1, flux2, inverse_distance, inverse_dr, inverse_stretching, below, above, layer, scale, &
                             shift, b1, b2, energy1, energy2, push1, push2, share, weights, one, two, change)
    integer, intent(in) :: n
    real(rk), intent(in) :: rotation, inverse_distance, inverse_dr, layer, share, weights(3)
    real(rk), intent(in), dimension(n) :: flux1, flux2, inverse_stretching, below, above, scale, shift, b1, b2
    real(rk), intent(in), dimension(n) :: energy1, energy2, push1, push2, one
    real(rk), intent(inout) :: two(n)  ! the tendency two steps ago, replaced by that of this step (m/s2)
    real(rk), intent(out) :: change(n)
    real(rk) :: slope_force, tendency
    integer :: i
    do i = 1, n
      slope_force = (b1(i) + b2(i)) * (layer * scale(i) + shift(i))
      tendency = rotation * (flux1(i) + flux2(i)) - (0.25_rk * inverse_dr * inverse_stretching(i) * (above(i) + below(i))) &
                 + (share * slope_force - (energy2(i) - energy1(i))) * inverse_distance
      change(i) = weights(1) * tendency + (weights(2) * one(i)) + weights(3) * two(i) &
                  + ((1.0_rk - share) * slope_force + (push2(i) - push1(i))) * inverse_distance
      two(i) = tendency
    end do
  end subroutine change_row

  pure subroutine add_difference(n, factor, a1, a2, change)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor, a1(n), a2(n)
    real(rk), intent(inout) :: change(n)
    integer :: i
    do i = 1, n
      change(i) = change(i) + factor * (a2(i) - a1(i))
    end do
  end subroutine add_difference

  !> Adds a change to a row of velocity, and both to the sums over levels.
  pure subroutine finish_row(n, dt, dr, change, velocity, sum_before, sum_after)
    integer, intent(in) :: n
    real(rk), intent(in) :: dt, dr, change(n)
    real(rk), intent(inout), dimension(n) :: velocity, sum_before, sum_after
    integer :: i
    do i = 1, n
      sum_before(i) = sum_before(i) + dr * velocity(i)
      velocity(i) = velocity(i) + dt * change(i)
      sum_after(i) = sum_after(i) + dr * velocity(i)
    end do
  end subroutine finish_row
end module momentum
