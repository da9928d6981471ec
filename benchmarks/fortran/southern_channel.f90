!> Ocean: a circumpolar channel that joins a basin, with unresolved eddies and mixing by turbulent kinetic energy
!> (dycore/cases/southern_channel.py).
module southern_channel_module
  use precision, only: rk, real64, pi
  use grid_module, only: grid_type, sector, halo, earth_radius
  use cases, only: parameters_type, initial_type, substeps_between_messages
  implicit none
  private
  public :: southern_channel

  real(real64), parameter :: width = 60.0_real64, wall = 4.0_real64, coast = 42.0_real64, channel = -20.0_real64, forced = 45.0_real64  ! degrees
  real(real64), parameter :: thickness(15) = [690.0_real64, 640.0_real64, 590.0_real64, 540.0_real64, 490.0_real64, 440.0_real64, &
                                              390.0_real64, 340.0_real64, 290.0_real64, 240.0_real64, 190.0_real64, 140.0_real64, &
                                              100.0_real64, 70.0_real64, 50.0_real64] / 2.5_real64  ! m, from the floor
  real(real64), parameter :: wind_stress = 0.1_real64, density = 1024.0_real64, gravity = 9.81_real64, warmest = 15.0_real64
  real(real64), parameter :: eddy_diffusivity = 1000.0_real64, steepest = 0.01_real64, viscosity_over_cube = 2.0e-11_real64

contains

  subroutine southern_channel(cells, processes, g, p, initial)
    integer, intent(in) :: cells(3), processes(2)
    type(grid_type), intent(out) :: g
    type(parameters_type), intent(out) :: p
    type(initial_type), intent(out) :: initial
    real(real64), allocatable :: interfaces(:), latitude(:), centre(:), corner(:)
    logical, allocatable :: land(:, :)
    real(real64) :: spacing
    integer :: i, j, k, nz, ny, nx, columns

    nz = cells(1)
    ny = cells(2)
    nx = cells(3)
    interfaces = levels(nz)
    latitude = [(-coast + (j - 0.5_real64) * 2.0_real64 * coast / ny, j=1, ny)]
    columns = min(max(1, nint(wall / width * nx)), nx / 2)
    allocate (land(nx, ny))
    do j = 1, ny
      land(:, j) = [(i <= columns .and. latitude(j) > channel, i=1, nx)]
    end do
    p%substeps = 24
    g = sector(cells, processes, substeps_between_messages(p%substeps, cells, processes) + 1, radians(-coast), radians(coast), &
               radians(width), interfaces, land)

    p%ocean = .true.
    p%n_tracers = 2
    spacing = earth_radius * radians(min(width / nx, 2.0_real64 * coast / ny))
    p%time_step = min(0.04_real64 * earth_radius * radians(width / nx) * cos(radians(coast)), 2400.0_real64)
    p%viscosity = viscosity_over_cube * spacing**3
    ! Of all rows, as in grid.f90: viscosity falls with the spacing of meridians.
    corner = cos([(radians(-coast) + (j - 1) * radians(2.0_real64 * coast) / ny, j=1 - halo, ny + halo)])
    centre = cos([(radians(-coast) + (j - 0.5_real64) * radians(2.0_real64 * coast) / ny, j=1 - halo, ny + halo)])
    allocate (p%share_centre(g%south:g%north), p%share_corner(g%south:g%north))
    p%share_centre = centre(g%before_j + 1:g%before_j + g%ny + 2 * halo)
    p%share_corner = corner(g%before_j + 1:g%before_j + g%ny + 2 * halo)
    p%surface_gravity = gravity
    p%wave_speed = sqrt(gravity * (interfaces(nz + 1) - interfaces(1)))
    p%external = gravity
    p%buoyancy_slope = [gravity * 1.67e-4_real64, -gravity * 7.8e-4_real64]
    p%buoyancy_reference = [10.0_real64, 35.0_real64]
    p%height_face = interfaces
    p%height_layer = 0.5_real64 * (interfaces(2:) + interfaces(:nz))
    p%stress_u = wind(latitude) / density
    p%surface_target = warmest * min(1.0_real64, (forced - abs(latitude)) / (forced + channel))
    p%surface_rate = 1.0_real64 / (30.0_real64 * 86400.0_real64)
    allocate (p%turbulence)
    p%turbulence%viscosity = 2.0e-4_real64
    p%turbulence%diffusivity = 2.0e-5_real64
    p%turbulence%linear_drag = 1.0e-5_real64 * thickness(1)
    if (nz > 1) then
      allocate (p%eddies)
      p%eddies%neutral = eddy_diffusivity
      p%eddies%transport = eddy_diffusivity
      p%eddies%steepest = steepest
    end if

    initial%surface = 0.0_real64
    allocate (initial%u(g%nx, nz, g%ny), source=0.0_real64)
    allocate (initial%tracers(g%nx, nz, g%ny, 2), source=35.0_real64)
    do k = 1, nz
      initial%tracers(:, k, :, 1) = warmest * (1.0_real64 + p%height_layer(k) / sum(thickness(2:)))
    end do
  end subroutine southern_channel

  !> Interfaces of so many levels (m): those of the 15 usual ones, between which others have their own.
  function levels(nz) result(interfaces)
    integer, intent(in) :: nz
    real(real64) :: interfaces(nz + 1), usual(0:size(thickness)), place
    integer :: k, below

    usual = [-sum(thickness), (sum(thickness(:k)) - sum(thickness), k=1, size(thickness))]
    do k = 1, nz + 1
      place = (k - 1) * real(size(thickness), real64) / nz
      below = min(int(place), size(thickness) - 1)
      interfaces(k) = usual(below) + (place - below) * (usual(below + 1) - usual(below))
    end do
  end function levels

  !> Eastward stress (N/m2): westerlies over the channel, and twice as strong ones in the north.
  elemental real(real64) function wind(latitude)
    real(real64), intent(in) :: latitude  ! degrees

    wind = 0.0_real64
    if (latitude < channel) then
      wind = wind_stress * sin(pi * (latitude + forced) / (channel + forced))
    else if (latitude > 10.0_real64) then
      wind = wind_stress * (1.0_real64 - cos(2.0_real64 * pi * (latitude - 9.0_real64) / (forced - 9.0_real64)))
    end if
  end function wind

  elemental real(real64) function radians(degrees)
    real(real64), intent(in) :: degrees
    radians = degrees * pi / 180.0_real64
  end function radians
end module southern_channel_module
