!> Velocity one step later, before its depth mean is settled: vector-invariant advection that conserves energy,
!> the pressure force, friction, wind and the polar filter in one pass over memory, u and v in place.
!>
!> Iteration j works out what stands on the corners and centres of row j, level by level from the moving
!> boundary (the sense of the hydrostatic sweep), finishes v of row j and u of row j - 1, and keeps in `slices` what
!> the next row needs. So nothing is computed twice, and a velocity is overwritten when all have read it.
module momentum
  use precision, only: rk, real64
  use grid_module, only: grid_type
  use cases, only: parameters_type
  use column_module, only: column_type
  use polar_filter, only: filter_type
  use halo_module, only: fill_rows
  implicit none
  private
  public :: step_velocity

  !> Depth means of velocity (i, j) before and after the step (m/s).
  type, public :: means_type
    real(rk), allocatable, dimension(:, :) :: u_before, v_before, u, v
  end type means_type

  ! Vertical slices (i, k, parity of the row).
  real(rk), allocatable, dimension(:, :, :) :: buoyancy, energy, push, north_flux, shear
  real(rk), allocatable, dimension(:, :) :: change_u, change_v  ! (i, k) m/s2

contains

  subroutine step_velocity(g, p, filter, weights, share, column, surface, c, now, w, u, v, before_u, before_v, one, two, means)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(filter_type), intent(inout) :: filter
    real(rk), intent(in) :: weights(3)  ! Adams-Bashforth
    real(rk), intent(in) :: share       ! of the pressure force that is extrapolated
    type(column_type), intent(in) :: column
    real(rk), intent(in) :: surface(g%west:g%east, g%south:g%north)
    real(rk), intent(in) :: c(g%west:g%east, g%nz, g%south:g%north, 3, p%n_tracers)
    real(rk), intent(in) :: w(g%west:g%east, g%nz, g%south:g%north)
    real(rk), intent(inout), dimension(g%west:g%east, g%nz, g%south:g%north) :: u, v
    ! Tendencies one and two steps ago; the new ones replace the elder.
    real(rk), intent(inout), dimension(g%nx, g%nz, g%ny, 2) :: before_u, before_v
    integer, intent(in) :: now, one, two
    type(means_type), intent(inout) :: means
    real(rk), dimension(g%nx + 1) :: east_flux, carried_u, carried_v
    real(rk), dimension(g%nx + 1) :: scale_u, shift_u, scale_v, shift_v
    real(rk), dimension(0:g%nx + 1) :: phi, slow_offset
    real(rk), dimension(g%nz) :: layer, upper, whole
    real(rk) :: dt, viscosity, slope(2), reference(2), wind, rest
    integer :: i, j, k, here, last, lowest, nx
    logical :: land, friction

    nx = g%nx
    if (.not. allocated(buoyancy)) then
      allocate (buoyancy(0:nx, g%nz, 0:1), energy(0:nx, g%nz, 0:1), push(0:nx, g%nz, 0:1), source=0.0_rk)
      allocate (north_flux(nx + 1, g%nz, 0:1), shear(nx + 1, g%nz, 0:1), source=0.0_rk)
      allocate (change_u(nx, g%nz), change_v(nx, g%nz), source=0.0_rk)
    end if
    dt = real(p%time_step, rk)
    viscosity = real(p%viscosity, rk)
    friction = p%viscosity > 0.0_real64
    slope = real(p%buoyancy_slope, rk)
    reference = real(p%buoyancy_reference, rk)
    layer = real(p%height_layer, rk)
    upper = layer - real(p%height_face(2:), rk)
    whole = real(p%height_face(:g%nz), rk) - real(p%height_face(2:), rk)
    rest = 1.0_rk - share

    do j = 1, g%ny + 1
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
      carried_u = 0.0_rk
      carried_v = 0.0_rk
      do k = g%nz, 1, -1
        lowest = max(g%open_level(j), g%open_level(j - 1))
        land = k <= lowest .and. lowest > 1  ! nothing passes the lower face of the lowest open level
        call corners
        if (j <= g%ny) call centres
        if (j > 1 .and. j <= g%ny) call step_v
        if (j > 1) call step_u
      end do
      if (j <= g%ny) then
        if (j == 1) change_v = 0.0_rk
        call finish(j, filter%faces, g%floor_v(:, j), g%inverse_thickness_v(:, j), change_v, v(:, :, j), means%v_before(:, j), means%v(:, j))
      end if
      if (j > 1) call finish(j - 1, filter%centres, g%floor_u(:, j - 1), g%inverse_thickness_u(:, j - 1), change_u, u(:, :, j - 1), &
                             means%u_before(:, j - 1), means%u(:, j - 1))
    end do

  contains

    !> Vorticity of corners (i, j) and its fluxes through the faces that meet there.
    subroutine corners
      real(rk) :: zeta, q
      !$omp simd private(zeta, q)
      do i = 1, nx + 1
        zeta = (g%dy * (v(i, k, j) - v(i - 1, k, j)) - g%dx_u(j) * u(i, k, j) + g%dx_u(j - 1) * u(i, k, j - 1)) * g%inverse_area_z(j)
        if (land) zeta = merge(zeta, 0.0_rk, k >= g%floor_z(i, j))
        q = (g%coriolis(j) + zeta) * column%inverse_z(i, j)
        shear(i, k, here) = zeta
        north_flux(i, k, here) = q * (column%width_v(i, j) * v(i, k, j) + column%width_v(i - 1, j) * v(i - 1, k, j))
        east_flux(i) = q * (column%width_u(i, j) * u(i, k, j) + column%width_u(i, j - 1) * u(i, k, j - 1))
      end do
    end subroutine corners

    !> What gradients act on in row j: `energy` (m2/s2) is extrapolated, `push` is not.
    subroutine centres
      real(rk) :: middle, slow, kinetic, divergence
      if (p%ocean) then
        !$omp simd
        do i = 0, nx
          buoyancy(i, k, here) = slope(1) * (c(i, k, j, now, 1) - reference(1)) + slope(2) * (c(i, k, j, now, 2) - reference(2))
        end do
      else
        !$omp simd
        do i = 0, nx
          buoyancy(i, k, here) = slope(1) * c(i, k, j, now, 1)
        end do
      end if
      !$omp simd private(middle, slow, kinetic, divergence)
      do i = 0, nx
        kinetic = 0.25_rk * g%inverse_area(j) * (g%area_u(j) * (u(i, k, j)**2 + u(i + 1, k, j)**2) &
                                                 + g%area_v(j) * v(i, k, j)**2 + g%area_v(j + 1) * v(i, k, j + 1)**2)
        middle = phi(i) + buoyancy(i, k, here) * column%scale(i, j) * upper(k)
        slow = share * (middle - slow_offset(i))
        phi(i) = phi(i) + buoyancy(i, k, here) * column%scale(i, j) * whole(k)
        energy(i, k, here) = kinetic + slow
        push(i, k, here) = slow - middle
        if (friction) then
          divergence = g%inverse_area(j) * (g%dy * (u(i + 1, k, j) - u(i, k, j)) &
                                            + (g%dx_v(j + 1) * v(i, k, j + 1) - g%dx_v(j) * v(i, k, j)))
          push(i, k, here) = push(i, k, here) + viscosity * divergence
        end if
      end do
    end subroutine centres

    subroutine step_v
      real(rk) :: slope_force, tendency, below
      integer :: under
      under = max(k - 1, 1)
      !$omp simd private(slope_force, tendency, below)
      do i = 1, nx
        slope_force = (buoyancy(i, k, here) + buoyancy(i, k, last)) * (layer(k) * scale_v(i) + shift_v(i))
        below = (w(i, k, j) + w(i, k, j - 1)) * (v(i, k, j) - v(i, under, j))  ! w = 0 at k = 1
        if (land) below = merge(below, 0.0_rk, k > g%floor_v(i, j))
        tendency = -0.25_rk * (g%inverse_dy * (east_flux(i) + east_flux(i + 1)) &
                               + g%inverse_dr(k) * column%inverse_v(i, j) * (carried_v(i) + below)) &
                   + (share * slope_force - (energy(i, k, here) - energy(i, k, last))) * g%inverse_dy
        change_v(i, k) = weights(1) * tendency + weights(2) * before_v(i, k, j, one) + weights(3) * before_v(i, k, j, two) &
                         + (rest * slope_force + push(i, k, here) - push(i, k, last)) * g%inverse_dy
        if (friction) change_v(i, k) = change_v(i, k) + viscosity * (shear(i + 1, k, here) - shear(i, k, here)) * g%inverse_dx_v(j)
        before_v(i, k, j, two) = tendency
        carried_v(i) = below
      end do
    end subroutine step_v

    !> u of row j - 1, the newest for which both rows of corners are known.
    subroutine step_u
      real(rk) :: slope_force, tendency, below
      integer :: under
      under = max(k - 1, 1)
      wind = 0.0_rk
      if (k == g%nz .and. allocated(p%stress_u)) wind = real(p%stress_u(j - 1), rk) * g%inverse_dr(k)
      !$omp simd private(slope_force, tendency, below)
      do i = 1, nx
        slope_force = (buoyancy(i, k, last) + buoyancy(i - 1, k, last)) * (layer(k) * scale_u(i) + shift_u(i))
        below = (w(i, k, j - 1) + w(i - 1, k, j - 1)) * (u(i, k, j - 1) - u(i, under, j - 1))
        if (land) below = merge(below, 0.0_rk, k > g%floor_u(i, j - 1))
        tendency = 0.25_rk * (g%inverse_dx_u(j - 1) * (north_flux(i, k, here) + north_flux(i, k, last)) &
                              - g%inverse_dr(k) * column%inverse_u(i, j - 1) * (carried_u(i) + below)) &
                   + (share * slope_force - (energy(i, k, last) - energy(i - 1, k, last))) * g%inverse_dx_u(j - 1) &
                   + wind * column%inverse_u(i, j - 1)
        change_u(i, k) = weights(1) * tendency + weights(2) * before_u(i, k, j - 1, one) + weights(3) * before_u(i, k, j - 1, two) &
                         + (rest * slope_force + push(i, k, last) - push(i - 1, k, last)) * g%inverse_dx_u(j - 1)
        if (friction) change_u(i, k) = change_u(i, k) - viscosity * (shear(i, k, here) - shear(i, k, last)) * g%inverse_dy
        before_u(i, k, j - 1, two) = tendency
        carried_u(i) = below
      end do
    end subroutine step_u

    !> Adds the (filtered) change to a slice of velocity and takes its depth means.
    subroutine finish(row, responses, floor, inverse_thickness, change, velocity, mean_before, mean)
      integer, intent(in) :: row
      real(rk), intent(in), allocatable :: responses(:, :)
      integer, intent(in) :: floor(g%west:g%east)
      real(rk), intent(in) :: inverse_thickness(g%west:g%east)
      real(rk), intent(inout) :: change(nx, g%nz)
      real(rk), intent(inout) :: velocity(g%west:g%east, g%nz)
      real(rk), intent(inout), dimension(g%west:g%east) :: mean_before, mean
      integer :: level

      if (filter%row(row) > 0) call filter%apply(g%nz, change, responses(:, filter%row(row)))
      mean_before = 0.0_rk
      mean = 0.0_rk
      do level = 1, g%nz
        if (level < g%open_level(row)) change(:, level) = merge(change(:, level), 0.0_rk, level >= floor(1:nx))
        !$omp simd
        do i = 1, nx
          mean_before(i) = mean_before(i) + g%dr(level) * velocity(i, level)
          velocity(i, level) = velocity(i, level) + dt * change(i, level)
          mean(i) = mean(i) + g%dr(level) * velocity(i, level)
        end do
      end do
      mean_before = mean_before * inverse_thickness
      mean = mean * inverse_thickness
      call fill_rows(g, g%nz, velocity)
    end subroutine finish
  end subroutine step_velocity
end module momentum
