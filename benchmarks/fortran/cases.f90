!> Parameters, and three of the cases (southern_channel.f90 has the fourth), as in dycore/cases: grid, parameters and initial state, worked out in double precision.
module cases
  use precision, only: rk, real64, pi
  use functions, only: power, cosine_of => cosine, exponential
  use messages, only: largest
  use grid_module, only: grid_type, rectilinear, latitude_longitude, halo, earth_radius, earth_rotation
  use held_suarez_module, only: held_suarez_type, prepare_held_suarez
  use turbulence, only: turbulence_type
  use eddies, only: eddies_type
  implicit none
  private
  public :: baroclinic_channel, baroclinic_wave, held_suarez, stable_time_step, averaging_weights, substeps_between_messages

  type, public :: parameters_type
    logical :: ocean                     ! else atmosphere
    integer :: n_tracers, substeps = 1   ! barotropic substeps; 1 for none
    real(real64) :: time_step            ! s
    real(real64) :: wave_speed           ! m/s: external gravity waves
    real(real64) :: external = 0.0       ! m2/s2 per unit of r: gravity of the barotropic substeps
    real(real64) :: surface_gravity = 0.0  ! m2/s2 per unit of r: phi at the moving boundary
    real(real64) :: viscosity = 0.0, diffusivity = 0.0  ! m2/s
    ! Roots of biharmonic viscosity (m2 s-1/2) for divergence at centres and for vorticity at corners, (j) of the rows of this
    ! process and its halo; not allocated for none.
    real(real64), allocatable, dimension(:) :: root_centre, root_corner
    ! Square of the cosine of latitude in both rows: how much less biharmonic friction spreads along rows than along meridians.
    real(real64), allocatable, dimension(:) :: narrow_centre, narrow_corner
    real(real64) :: kappa = 2.0_real64 / 7.0_real64
    ! Buoyancy is the sum over tracers of slope (tracer - reference), m2/s2 per unit of s.
    real(real64) :: buoyancy_slope(2) = 0.0, buoyancy_reference(2) = 0.0
    real(real64) :: polar_latitude = 60.0  ! degrees: rows poleward of it are filtered on a sphere
    real(real64) :: polar_damping = 3600.0  ! s: in which the filter removes from the velocity what it slows down
    real(real64), allocatable :: height_face(:), height_layer(:)  ! (0:nz), (nz): s at the interfaces, mean in the layers
    real(real64), allocatable :: stress_u(:)  ! (j) m2/s2: surface stress over density, of all rows; not allocated for none
    type(held_suarez_type), allocatable :: forcing
    ! What the viscosity is multiplied with at centres and corners, (j) as above; not allocated for 1.
    real(real64), allocatable, dimension(:) :: share_centre, share_corner
    real(real64), allocatable :: surface_target(:)  ! (j) to which the first tracer is relaxed in the uppermost level, of all rows
    real(real64) :: surface_rate = 0.0              ! 1/s
    type(turbulence_type), allocatable :: turbulence
    type(eddies_type), allocatable :: eddies
  end type parameters_type

  type, public :: initial_type
    real(real64), allocatable :: u(:, :, :), tracers(:, :, :, :)  ! (i, k, j), (i, k, j, tracer); v and w are zero
    real(real64) :: surface
  end type initial_type

contains

  !> Ocean: wind-driven re-entrant channel with a ridge across it.
  subroutine baroclinic_channel(cells, processes, g, p, initial)
    integer, intent(in) :: cells(3), processes(2)
    type(grid_type), intent(out) :: g
    type(parameters_type), intent(out) :: p
    type(initial_type), intent(out) :: initial
    real(real64), parameter :: length = 4.0e6_real64, width = 2.0e6_real64, depth = 4000.0_real64  ! m
    real(real64), parameter :: gravity = 9.81_real64
    real(real64), allocatable, dimension(:) :: interfaces, thickness, height, centres, x, y, decay, ripple
    real(real64) :: spacing, front, north
    integer :: i, j, k, nz, ny, nx

    nz = cells(1)
    ny = cells(2)
    nx = cells(3)
    thickness = [((8.0_real64**(1.0_real64 / max(nz - 1, 1)))**(nz - k), k=1, nz)]
    height = [0.0_real64, (sum(thickness(:k)), k=1, nz)]
    interfaces = depth * (height / height(nz + 1) - 1.0_real64)
    x = [((i - 0.5_real64) * length / nx, i=1, nx)]
    y = [((j - 0.5_real64) * width / ny, j=1, ny)]
    p%substeps = 24
    g = rectilinear(cells, processes, substeps_between_messages(p%substeps, cells, processes) + 1, [length, width], interfaces, -1.1e-4_real64, 1.4e-11_real64, &
                    -depth + 1500.0_real64 * exp(-((x - 0.5_real64 * length) / 3.0e5_real64)**2))

    spacing = min(length / nx, width / ny)
    p%ocean = .true.
    p%n_tracers = 2
    p%time_step = min(0.04_real64 * spacing, 1800.0_real64)
    p%viscosity = 0.01_real64 * spacing
    p%diffusivity = 0.001_real64 * spacing
    p%surface_gravity = gravity
    p%wave_speed = sqrt(gravity * depth)
    p%external = p%wave_speed**2 / depth
    p%buoyancy_slope = [gravity * 2.0e-4_real64, -gravity * 8.0e-4_real64]
    p%buoyancy_reference = [10.0_real64, 35.0_real64]
    p%height_face = interfaces
    p%height_layer = 0.5_real64 * (interfaces(2:) + interfaces(:nz))
    p%stress_u = 0.15_real64 * sin(pi * y / width)**2 / 1025.0_real64

    centres = p%height_layer
    decay = exponential(centres / 1000.0_real64)
    initial%surface = 0.0_real64
    ripple = 0.05_real64 * sin(12.0_real64 * pi * x / length)
    allocate (initial%u(g%nx, nz, g%ny), source=0.0_real64)
    allocate (initial%tracers(g%nx, nz, g%ny, 2))
    do j = 1, g%ny
      north = y(g%before_j + j)
      front = 0.5_real64 * (1.0_real64 + tanh((north - 0.5_real64 * width) / 3.0e5_real64))
      do k = 1, nz
        do i = 1, g%nx
          initial%tracers(i, k, j, 1) = 0.5_real64 + (2.5_real64 + 9.0_real64 * front + ripple(g%before_i + i) * sin(pi * north / width)**2) * decay(k)
          initial%tracers(i, k, j, 2) = 35.0_real64 - decay(k) * (1.0_real64 - 0.5_real64 * front)
        end do
      end do
    end do
  end subroutine baroclinic_channel

  !> Atmosphere: the wave of Jablonowski and Williamson (2006, Q. J. R. Meteorol. Soc. 132, 2943).
  subroutine baroclinic_wave(cells, processes, g, p, initial)
    integer, intent(in) :: cells(3), processes(2)
    type(grid_type), intent(out) :: g
    type(parameters_type), intent(out) :: p
    type(initial_type), intent(out) :: initial
    real(real64), parameter :: gravity = 9.80616_real64, gas_constant = 287.0_real64, pressure = 1.0e5_real64
    real(real64), parameter :: jet = 35.0_real64, level_jet = 0.252_real64, level_tropopause = 0.2_real64
    real(real64), allocatable, dimension(:) :: eta, eta_v, cosine, mean, first, second, mountain, longitude, distance, bump
    real(real64) :: temperature, factor, s, c
    integer :: i, j, k, nz, ny, nx, row

    nz = cells(1)
    ny = cells(2)
    nx = cells(3)
    call dry_sphere(cells, processes, gas_constant * 3.5_real64, pressure, g, p)

    eta = power(p%height_layer, 1.0_real64 / p%kappa)
    eta_v = 0.5_real64 * pi * (eta - level_jet)
    cosine = max(cosine_of(eta_v), 0.0_real64)
    mean = 288.0_real64 * power(eta, gas_constant * 0.005_real64 / gravity) &
           + 4.8e5_real64 * max(level_tropopause - eta, 0.0_real64)**5
    first = -2.0_real64 * sin(g%y)**6 * (cos(g%y)**2 + 1.0_real64 / 3.0_real64) + 10.0_real64 / 63.0_real64
    second = 1.6_real64 * cos(g%y)**3 * (sin(g%y)**2 + 2.0_real64 / 3.0_real64) - 0.25_real64 * pi
    factor = jet * cos(0.5_real64 * pi * (1.0_real64 - level_jet))**1.5_real64
    mountain = factor * (factor * first + earth_radius * earth_rotation * second)
    do j = g%far_south, g%far_north  ! mirrored across the poles
      row = max(g%before_j + j, 1 - g%before_j - j)
      g%geopotential(j) = real(mountain(min(row, 2 * ny + 1 - row)), rk)
    end do

    initial%surface = pressure
    longitude = [((i - 1) * 2.0_real64 * pi / nx, i=1, nx)]
    allocate (initial%u(g%nx, nz, g%ny), initial%tracers(g%nx, nz, g%ny, 1))
    s = sin(2.0_real64 * pi / 9.0_real64)
    c = cos(2.0_real64 * pi / 9.0_real64)
    do j = 1, g%ny
      row = g%before_j + j
      ! Of all columns, as in grid.f90.
      distance = acos(min(1.0_real64, max(-1.0_real64, s * sin(g%y(row)) + c * cos(g%y(row)) * cos(longitude - pi / 9.0_real64))))
      bump = exp(-(10.0_real64 * distance)**2)
      do k = 1, nz
        temperature = mean(k) + 0.75_real64 * eta(k) * pi * jet / gas_constant * sin(eta_v(k)) * sqrt(cosine(k)) &
                      * (2.0_real64 * jet * cosine(k)**1.5_real64 * first(row) + earth_radius * earth_rotation * second(row))
        initial%tracers(:, k, j, 1) = temperature / p%height_layer(k)
        initial%u(:, k, j) = (jet * cosine(k)**1.5_real64 * sin(2.0_real64 * g%y(row))**2) + bump(g%before_i + 1:g%before_i + g%nx)
      end do
    end do
  end subroutine baroclinic_wave

  !> Atmosphere: the climate of Held and Suarez (1994, Bull. Amer. Meteor. Soc. 75, 1825), with biharmonic friction.
  subroutine held_suarez(cells, processes, g, p, initial)
    integer, intent(in) :: cells(3), processes(2)
    type(grid_type), intent(out) :: g
    type(parameters_type), intent(out) :: p
    type(initial_type), intent(out) :: initial
    real(real64), parameter :: pressure = 1.0e5_real64, temperature = 280.0_real64
    real(real64), parameter :: friction = 1.0e-6_real64  ! 1/s: viscosity of vorticity / spacing^4; twice that of divergence
    real(real64), allocatable, dimension(:) :: face, root_corner, narrow_centre, narrow_corner, noise
    real(real64) :: root
    integer :: i, j, k, row

    call dry_sphere(cells, processes, 1004.5_real64, pressure, g, p)
    allocate (p%forcing)
    call prepare_held_suarez(p%forcing, g%interfaces, p%height_layer, p%kappa, g%y)

    ! Of all rows, as in grid.f90.
    face = [(-0.5_real64 * pi + (j - 1) * pi / g%all_ny, j=1 - halo, g%all_ny + halo)]
    root = sqrt(friction) * (earth_radius * min(2.0_real64 * pi / g%all_nx, pi / g%all_ny))**2
    root_corner = root + 0.0_real64 * face
    root_corner(halo + [1, g%all_ny + 1]) = 0.5_real64 * root  ! vorticity about a pole is over the area of one triangle of two
    allocate (p%root_centre(g%south:g%north), source=sqrt(2.0_real64) * root)
    allocate (p%root_corner(g%south:g%north), p%narrow_centre(g%south:g%north), p%narrow_corner(g%south:g%north))
    narrow_centre = cos(face + 0.5_real64 * pi / g%all_ny)**2
    narrow_corner = cos(face)**2
    p%root_corner = root_corner(g%before_j + 1:g%before_j + g%ny + 2 * halo)
    p%narrow_centre = narrow_centre(g%before_j + 1:g%before_j + g%ny + 2 * halo)
    p%narrow_corner = narrow_corner(g%before_j + 1:g%before_j + g%ny + 2 * halo)

    initial%surface = pressure
    allocate (initial%u(g%nx, g%nz, g%ny), source=0.0_real64)
    allocate (initial%tracers(g%nx, g%nz, g%ny, 1))
    do j = 1, g%ny
      row = g%before_j + j
      noise = 0.1_real64 * sin([(i - 1 + sqrt(2.0_real64) * (row - 1), i=1, g%all_nx)]**2)
      do k = 1, g%nz
        initial%tracers(:, k, j, 1) = (temperature + noise(g%before_i + 1:g%before_i + g%nx)) / p%height_layer(k)
      end do
    end do
  end subroutine held_suarez

  !> Grid and parameters that both atmospheres share: the full sphere, levels of equal thickness up to zero pressure.
  subroutine dry_sphere(cells, processes, heat_capacity, pressure, g, p)
    integer, intent(in) :: cells(3), processes(2)
    real(real64), intent(in) :: heat_capacity, pressure  ! J/(kg K), Pa
    type(grid_type), intent(out) :: g
    type(parameters_type), intent(inout) :: p
    real(real64), allocatable :: interfaces(:)
    integer :: k, nz

    nz = cells(1)
    interfaces = [(pressure * k / nz, k=0, nz)]
    g = latitude_longitude(cells, processes, interfaces)
    p%ocean = .false.
    p%n_tracers = 1
    p%time_step = 9.0e-4_real64 * earth_radius * min(2.0_real64 * pi / cells(3), pi / cells(2))
    p%wave_speed = sqrt((1.0_real64 + p%kappa) * p%kappa * heat_capacity * 300.0_real64)
    p%buoyancy_slope(1) = -heat_capacity
    p%height_face = power(interfaces / pressure, p%kappa)
    p%height_layer = (p%height_face(2:) * interfaces(2:) - p%height_face(:nz) * interfaces(:nz)) &
                     / ((1.0_real64 + p%kappa) * (interfaces(2:) - interfaces(:nz)))
  end subroutine dry_sphere

  !> The longest step (s) that external waves, or the barotropic substeps, allow without mean flow.
  function stable_time_step(g, p) result(limit)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    real(real64) :: limit, frequency, substep
    real(real64), allocatable :: dx(:), a(:), b(:)

    dx = real(g%dx_u(1:g%ny), real64)
    if (g%sphere) dx = max(dx, largest(maxval(dx)) * cos(p%polar_latitude * pi / 180.0_real64))
    frequency = 2.0_real64 * p%wave_speed * sqrt(largest(maxval(1.0_real64 / dx**2)) + 1.0_real64 / real(g%dy, real64)**2)
    limit = 1.78_real64 / frequency
    if (p%substeps > 1) then
      call averaging_weights(p%substeps, a, b, substep)
      limit = 2.0_real64 / frequency / substep
    end if
    limit = min(limit, merge(0.3_real64, 0.72_real64, p%substeps > 1) &
                / largest(maxval(abs(real(g%coriolis(g%south:g%north), real64)))))
  end function stable_time_step

  !> Barotropic substeps that are taken before their fields are exchanged again: all, or as many as the smallest part of
  !> the grid in a divided direction has cells, for each consumes one cell of halo.
  integer function substeps_between_messages(substeps, cells, processes) result(between)
    integer, intent(in) :: substeps, cells(3), processes(2)
    real(real64), allocatable :: a(:), b(:)
    real(real64) :: substep
    integer :: all, n

    call averaging_weights(substeps, a, b, substep)
    all = size(a)
    between = all
    do n = 1, 2
      if (processes(n) > 1) between = min(between, cells(n + 1) / processes(n))
    end do
    between = (all - 1) / ((all - 1) / between + 1) + 1  ! so many exchanges, but evenly
  end function substeps_between_messages

  !> Primary (a) and secondary (b) weights of the barotropic substeps, and the length of one in steps:
  !> Shchepetkin and McWilliams (2005, Ocean Modelling 9, 347), section 2.3.
  subroutine averaging_weights(substeps, a, b, substep)
    integer, intent(in) :: substeps
    real(real64), allocatable, intent(out) :: a(:), b(:)
    real(real64), intent(out) :: substep
    real(real64), parameter :: p = 2.0_real64, q = 4.0_real64, r = 0.18927_real64
    real(real64) :: tau0
    real(real64), allocatable :: tau(:), shape(:)
    integer :: m, last

    tau0 = (p + 2.0_real64) * (p + q + 2.0_real64) / ((p + 1.0_real64) * (p + q + 1.0_real64))
    tau = [(2.0_real64 * m / substeps, m=1, substeps)]
    shape = (tau / tau0)**p * (1.0_real64 - (tau / tau0)**q) - r * tau / tau0
    last = findloc(shape > 0.0_real64, .true., dim=1, back=.true.)
    a = shape(:last) / sum(shape(:last))
    substep = 1.0_real64 / sum(a * [(m, m=1, last)])
    b = [(substep * sum(a(m:)), m=1, last)]
  end subroutine averaging_weights
end module cases
