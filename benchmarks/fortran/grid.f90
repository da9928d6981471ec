!> The grid: metrics, levels and sea floor. u and v stand on the west and south face of cell (i, k, j),
!> vorticity on its south-west corner, w on its lower-r face; k = 1 touches the fixed boundary.
!>
!> Both grids (beta-plane, sphere) are uniform in x, so metrics are numbers of a row j. Three-dimensional
!> arrays are laid out (i, k, j): all levels of a row follow each other in memory, so that a pass which
!> finishes one row after the other reads memory from end to end, and keeps its work in the cache.
module grid_module
  use, intrinsic :: iso_fortran_env, only: int64
  use precision, only: rk, real64, pi
  use memory, only: line
  use messages, only: rank, silent
  implicit none
  private
  public :: rectilinear, latitude_longitude, sector, cells_before, earth_radius, earth_rotation

  integer, parameter, public :: halo = 2  ! third-order reconstruction reads two cells to the west and south
  real(real64), parameter :: earth_radius = 6.371229e6_real64  ! m
  real(real64), parameter :: earth_rotation = 7.29212e-5_real64  ! 1/s

  type, public :: grid_type
    integer :: nz, ny, nx                ! cells of this process
    integer :: all_ny, all_nx            ! of all of them
    integer :: processes(2), process(2)  ! in y and x: how many, and which one this is, from 0
    integer :: before_j, before_i        ! cells to the south and west that are others'
    logical :: split_y, split_x          ! more than one process in y, in x
    logical :: at_south, at_north        ! this process has the first, the last row of all
    integer :: west, east, south, north  ! bounds of three-dimensional arrays, halo and padding included
    integer :: far_y, far_x              ! halo of two-dimensional arrays: wider in a divided direction
    integer :: far_west, far_east, far_south, far_north  ! their bounds
    integer :: stride, plane             ! east - west + 1; numbers in a two-dimensional array
    logical :: sphere                    ! poles in y, else walls; periodic in x in either case
    real(rk) :: dy, inverse_dy           ! m, 1/m: of all faces
    real(rk), allocatable, dimension(:) :: dx_u, inverse_dx_u  ! (j) m, 1/m: between cell centres
    real(rk), allocatable, dimension(:) :: dx_v                ! m: length of south faces
    real(rk), allocatable, dimension(:) :: inverse_dx_v        ! 1/m, zero on a face of length zero
    real(rk), allocatable, dimension(:) :: area_u, area_v      ! m2: dx dy about faces
    real(rk), allocatable, dimension(:) :: inverse_area, inverse_area_z  ! 1/m2: of cells, about corners
    real(rk), allocatable, dimension(:) :: area, coriolis      ! m2, 1/s (corners)
    real(rk), allocatable, dimension(:) :: geopotential        ! m2/s2: of the moving boundary at r = 0
    real(real64), allocatable :: interfaces(:)                 ! (0:nz) unit of r
    real(rk), allocatable, dimension(:) :: dr, inverse_dr      ! (k) unit of r
    real(rk), allocatable, dimension(:) :: inverse_distance    ! (k) 1 / that of the middles of levels k - 1 and k; zero where there is none
    integer, allocatable, dimension(:, :) :: floor, floor_u, floor_v, floor_z  ! (i, j) lowest open level; nz + 1 on land
    integer, allocatable :: open_level(:)                      ! (j) from here upwards all is open within two rows
    logical :: coasts                    ! there are columns of land
    real(rk), allocatable :: wet_area(:, :)                    ! (i, j) m2: of columns that are not land; with coasts only
    real(rk), allocatable, dimension(:, :) :: fixed            ! (i, j) fixed boundary (unit of r)
    real(rk), allocatable, dimension(:, :) :: inverse_thickness, thickness_u, thickness_v
    real(rk), allocatable, dimension(:, :) :: inverse_thickness_u, inverse_thickness_v  ! zero where closed
    real(real64), allocatable :: y(:), y_face(:)               ! m or radians north, of all rows
  end type grid_type

contains

  !> A plane of extent (x, y) in metres, periodic in x, walled in y; f = coriolis + beta y, y from the middle.
  function rectilinear(cells, processes, far, extent, interfaces, coriolis, beta, bottom) result(g)
    integer, intent(in) :: cells(3), processes(2), far
    real(real64), intent(in) :: extent(2), interfaces(0:), coriolis, beta
    real(real64), intent(in) :: bottom(:)  ! (i) height of the sea floor (m)
    type(grid_type) :: g
    real(real64), allocatable, dimension(:) :: dx, area, f
    real(real64) :: dy
    integer :: j

    call set_bounds(g, cells, processes, far)
    dy = extent(2) / g%all_ny
    allocate (dx(1 - halo:g%all_ny + halo), area(1 - halo:g%all_ny + halo), f(1 - halo:g%all_ny + halo))
    dx = extent(1) / g%all_nx
    area = dx * dy
    do j = 1 - halo, g%all_ny + halo
      f(j) = coriolis + beta * ((j - 1) * dy - 0.5_real64 * extent(2))
    end do
    g%sphere = .false.
    g%y = [((j - 0.5_real64) * dy, j=1, g%all_ny)]
    g%y_face = [((j - 1) * dy, j=1, g%all_ny + 1)]
    call set_metrics(g, dx, dx, dy, area, area, f)
    call set_levels(g, interfaces, spread(bottom, 2, g%all_ny))
  end function rectilinear

  !> The full sphere, uniform in longitude and latitude.
  function latitude_longitude(cells, processes, interfaces) result(g)
    integer, intent(in) :: cells(3), processes(2)
    real(real64), intent(in) :: interfaces(0:)
    type(grid_type) :: g
    real(real64), allocatable, dimension(:) :: face, centre, dx_u, dx_v, area, area_z
    real(real64) :: dlon, dlat
    integer :: j

    call set_bounds(g, cells, processes, halo)
    dlon = 2.0_real64 * pi / g%all_nx
    dlat = pi / g%all_ny
    allocate (face(1 - halo:g%all_ny + halo))
    face = [(-0.5_real64 * pi + (j - 1) * dlat, j=1 - halo, g%all_ny + halo)]
    centre = face
    dx_u = face
    dx_v = face
    area = face
    area_z = face
    centre = face + 0.5_real64 * dlat
    dx_u = earth_radius * abs(cos(centre)) * dlon
    dx_v = earth_radius * abs(cos(face)) * dlon
    area = abs(sin(face + dlat) - sin(face)) * earth_radius**2 * dlon
    area_z = abs(sin(centre) - sin(centre - dlat)) * earth_radius**2 * dlon
    dx_v([1, g%all_ny + 1]) = 0.0_real64
    area_z([1, g%all_ny + 1]) = earth_radius**2 * dlon * (1.0_real64 - abs(sin(centre(1))))  ! triangle of the polar cap
    g%sphere = .true.
    g%y = centre(1:g%all_ny)
    g%y_face = face(1:g%all_ny + 1)
    call set_metrics(g, dx_u, dx_v, earth_radius * dlat, area, area_z, 2.0_real64 * earth_rotation * sin(face))
    call set_levels(g, interfaces, spread(spread(interfaces(0), 1, g%all_nx), 2, g%all_ny))
  end function latitude_longitude

  !> A part of the sphere between two walls, uniform in longitude and latitude, that repeats itself eastwards.
  function sector(cells, processes, far, south, north, width, interfaces, land) result(g)
    integer, intent(in) :: cells(3), processes(2), far
    real(real64), intent(in) :: south, north, width  ! radians
    real(real64), intent(in) :: interfaces(0:)
    logical, intent(in) :: land(:, :)                ! (i, j)
    type(grid_type) :: g
    real(real64), allocatable, dimension(:) :: face, centre, dx_u, dx_v, area, area_z
    real(real64) :: dlon, dlat
    integer :: j

    call set_bounds(g, cells, processes, far)
    dlon = width / g%all_nx
    dlat = (north - south) / g%all_ny
    allocate (face(1 - halo:g%all_ny + halo))
    face = [(south + (j - 1) * dlat, j=1 - halo, g%all_ny + halo)]
    centre = face
    dx_u = face
    dx_v = face
    area = face
    area_z = face
    centre = face + 0.5_real64 * dlat
    dx_u = earth_radius * cos(centre) * dlon
    dx_v = earth_radius * cos(face) * dlon
    area = (sin(face + dlat) - sin(face)) * earth_radius**2 * dlon
    area_z = (sin(centre) - sin(centre - dlat)) * earth_radius**2 * dlon
    do j = 0, 1 - halo, -1  ! mirrored across the walls, as what stands there is: along them the flow slips
      dx_u([j, g%all_ny + 1 - j]) = dx_u([1 - j, g%all_ny + j])
      area([j, g%all_ny + 1 - j]) = area([1 - j, g%all_ny + j])
    end do
    g%sphere = .false.
    g%y = centre(1:g%all_ny)
    g%y_face = face(1:g%all_ny + 1)
    call set_metrics(g, dx_u, dx_v, earth_radius * dlat, area, area_z, 2.0_real64 * earth_rotation * sin(face))
    call set_levels(g, interfaces, merge(interfaces(g%nz) + 1.0_real64, interfaces(0), land))
  end function sector

  !> Of n cells among `parts` processes, those that belong to the processes before this one (from 0).
  pure integer function cells_before(n, process, parts)
    integer, intent(in) :: n, process, parts
    cells_before = int(int(n, int64) * process / parts)
  end function cells_before

  subroutine set_bounds(g, cells, processes, far)
    type(grid_type), intent(inout) :: g
    integer, intent(in) :: cells(3), processes(2), far

    g%nz = cells(1)
    g%all_ny = cells(2)
    g%all_nx = cells(3)
    g%processes = processes
    g%process = [rank / processes(2), modulo(rank, processes(2))]
    g%before_j = cells_before(g%all_ny, g%process(1), processes(1))
    g%before_i = cells_before(g%all_nx, g%process(2), processes(2))
    g%ny = cells_before(g%all_ny, g%process(1) + 1, processes(1)) - g%before_j
    g%nx = cells_before(g%all_nx, g%process(2) + 1, processes(2)) - g%before_i
    g%split_y = processes(1) > 1
    g%split_x = processes(2) > 1
    g%at_south = g%process(1) == 0
    g%at_north = g%process(1) == processes(1) - 1
    g%far_y = merge(max(far, halo), halo, g%split_y)
    g%far_x = merge(max(far, halo), halo, g%split_x)
    g%west = 1 - line  ! more than the halo, so that every row begins with a cache line
    g%east = ((g%nx + halo - 1) / line + 1) * line
    g%stride = g%east - g%west + 1
    g%south = 1 - halo
    g%north = g%ny + halo
    g%far_west = 1 - ((g%far_x - 1) / line + 1) * line
    g%far_east = ((g%nx + g%far_x - 1) / line + 1) * line
    g%far_south = 1 - g%far_y
    g%far_north = g%ny + g%far_y
    g%plane = (g%far_east - g%far_west + 1) * (g%far_north - g%far_south + 1)
  end subroutine set_bounds

  !> From metrics of all rows: were those of a few worked out, the compiler's sines might be others for the last rows.
  subroutine set_metrics(g, dx_u, dx_v, dy, area, area_z, coriolis)
    type(grid_type), intent(inout) :: g
    real(real64), intent(in), dimension(:) :: dx_u, dx_v, area, area_z, coriolis
    real(real64), intent(in) :: dy

    g%dy = real(dy, rk)
    g%inverse_dy = real(1.0_real64 / dy, rk)
    call row(g%dx_u, dx_u)
    call row(g%dx_v, dx_v)
    call row(g%inverse_dx_u, inverse(dx_u))
    call row(g%inverse_dx_v, inverse(dx_v))
    call row(g%area_u, dx_u * dy)
    call row(g%area_v, dx_v * dy)
    call row(g%area, area)
    call row(g%inverse_area, inverse(area))
    call row(g%inverse_area_z, inverse(area_z))
    call row(g%coriolis, coriolis)
    call row(g%geopotential, 0.0_real64 * area)
  contains
    subroutine row(target, values)
      real(rk), allocatable, intent(out) :: target(:)
      real(real64), intent(in) :: values(1 - halo:)
      integer :: j
      allocate (target(g%far_south:g%far_north))
      do j = g%far_south, g%far_north
        target(j) = real(values(max(1 - halo, min(g%all_ny + halo, g%before_j + j))), rk)
      end do
    end subroutine row
  end subroutine set_metrics

  !> Levels, and whole cells of sea floor: a cell is wet if its centre lies above the bottom.
  subroutine set_levels(g, interfaces, bottom)
    type(grid_type), intent(inout) :: g
    real(real64), intent(in) :: interfaces(0:), bottom(:, :)  ! height of the sea floor (i, j)
    integer :: i, j
    integer, allocatable :: levels(:, :), lowest(:, :)

    allocate (g%interfaces(0:g%nz))
    g%interfaces = interfaces
    g%dr = real(interfaces(1:) - interfaces(:g%nz - 1), rk)
    g%inverse_dr = real(1.0_real64 / (interfaces(1:) - interfaces(:g%nz - 1)), rk)
    allocate (g%inverse_distance(g%nz + 1), source=0.0_rk)
    g%inverse_distance(2:g%nz) = real(2.0_real64 / (interfaces(2:) - interfaces(:g%nz - 2)), rk)
    allocate (levels(g%all_nx, g%all_ny))
    do j = 1, g%all_ny
      levels(:, j) = [(1 + count(0.5_real64 * (interfaces(1:) + interfaces(:g%nz - 1)) < bottom(i, j)), i=1, g%all_nx)]
    end do
    allocate (g%floor(g%far_west:g%far_east, g%far_south:g%far_north))
    allocate (g%floor_u, g%floor_v, g%floor_z, lowest, mold=g%floor)
    do j = g%far_south, g%far_north
      do i = g%far_west, g%far_east
        g%floor(i, j) = floor_of(i, j)
        g%floor_u(i, j) = max(floor_of(i, j), floor_of(i - 1, j))
        g%floor_v(i, j) = max(floor_of(i, j), floor_of(i, j - 1))
        g%floor_z(i, j) = max(g%floor_u(i, j), floor_of(i, j - 1), floor_of(i - 1, j - 1))
      end do
      ! Faces of length zero.
      if (g%sphere .and. any(g%before_j + j == [1, g%all_ny + 1])) g%floor_v(:, j) = g%nz + 1
    end do

    ! Walls need no mask: what is mirrored there makes gradients and transports vanish by itself.
    allocate (g%open_level(g%far_south:g%far_north))
    do j = g%far_south, g%far_north
      g%open_level(j) = max(1, maxval(g%floor(:, max(1 - g%before_j, j - 2, g%far_south):min(g%all_ny - g%before_j, j + 2, g%far_north))))
    end do

    g%coasts = any(levels > g%nz)
    if (g%coasts) then
      allocate (g%wet_area(g%far_west:g%far_east, g%far_south:g%far_north))
      do j = g%far_south, g%far_north
        g%wet_area(:, j) = merge(g%area(j), 0.0_rk, g%floor(:, j) <= g%nz)
      end do
    end if
    lowest = merge(1, g%floor, g%floor > g%nz)
    allocate (g%fixed(g%far_west:g%far_east, g%far_south:g%far_north))
    allocate (g%inverse_thickness, g%thickness_u, g%thickness_v, g%inverse_thickness_u, g%inverse_thickness_v, mold=g%fixed)
    do j = g%far_south, g%far_north
      g%fixed(:, j) = real(interfaces(lowest(:, j) - 1), rk)
      g%inverse_thickness(:, j) = real(1.0_real64 / thickness(lowest(:, j)), rk)
      g%thickness_u(:, j) = real(thickness(g%floor_u(:, j)), rk)
      g%thickness_v(:, j) = real(thickness(g%floor_v(:, j)), rk)
      g%inverse_thickness_u(:, j) = real(inverse(thickness(g%floor_u(:, j))), rk)
      g%inverse_thickness_v(:, j) = real(inverse(thickness(g%floor_v(:, j))), rk)
    end do
  contains
    integer function floor_of(i, j)
      integer, intent(in) :: i, j
      integer :: row

      floor_of = g%nz + 1
      if (.not. (g%sphere .or. (g%before_j + j >= 1 .and. g%before_j + j <= g%all_ny))) return
      row = max(1, min(g%all_ny, g%before_j + j))  ! beyond a pole all is open
      if (silent) then  ! what lies beyond is made up from the own columns
        floor_of = levels(g%before_i + modulo(i - 1, g%nx) + 1, max(g%before_j + 1, min(g%before_j + g%ny, row)))
      else
        floor_of = levels(modulo(g%before_i + i - 1, g%all_nx) + 1, row)
      end if
    end function floor_of

    function thickness(level)
      integer, intent(in) :: level(:)
      real(real64) :: thickness(size(level))
      thickness = interfaces(g%nz) - interfaces(level - 1)
    end function thickness
  end subroutine set_levels

  pure function inverse(values)
    real(real64), intent(in) :: values(:)
    real(real64) :: inverse(size(values))
    inverse = 0.0_real64
    where (values /= 0.0_real64) inverse = 1.0_real64 / values
  end function inverse
end module grid_module
