!> What follows from the moving boundary R, as two-dimensional fields (i, j): dycore/equations/column.py.
module column_module
  use precision, only: rk
  use memory, only: zeros
  use grid_module, only: grid_type
  use cases, only: parameters_type
  implicit none
  private
  public :: set_columns, set_widths

  type, public :: column_type
    real(rk), pointer, contiguous, dimension(:, :) :: stretching => null()                ! J = (R - fixed) / thickness
    real(rk), pointer, contiguous, dimension(:, :) :: width_u, width_v                 ! m: face length times mean J
    real(rk), pointer, contiguous, dimension(:, :) :: inverse_u, inverse_v, inverse_z  ! 1 / J at faces and corners
    real(rk), pointer, contiguous, dimension(:, :) :: scale, shift                     ! s = s_reference(k) scale + shift
    real(rk), pointer, contiguous, dimension(:, :) :: wet                              ! m2: J times the area that is not land
  end type column_type

contains

  subroutine set_columns(g, p, surface, c)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    real(rk), intent(in) :: surface(g%far_west:g%far_east, g%far_south:g%far_north)
    type(column_type), intent(inout) :: c
    real(rk) :: kappa, north, south, area, weighted
    integer :: i, j

    if (.not. associated(c%stretching)) then
      c%stretching(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%width_u(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%width_v(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%inverse_u(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%inverse_v(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%inverse_z(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%scale(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      c%shift(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
      if (g%coasts) c%wet(g%far_west:g%far_east, g%far_south:g%far_north) => zeros(g%plane)
    end if
    kappa = real(p%kappa, rk)
    do j = 0, g%ny + 1
      do i = 0, g%nx + 1
        c%stretching(i, j) = (surface(i, j) - g%fixed(i, j)) * g%inverse_thickness(i, j)
      end do
      if (g%coasts) c%wet(0:g%nx + 1, j) = g%wet_area(0:g%nx + 1, j) * c%stretching(0:g%nx + 1, j)
      if (p%ocean) then
        c%scale(0:g%nx + 1, j) = c%stretching(0:g%nx + 1, j)
        c%shift(0:g%nx + 1, j) = g%fixed(0:g%nx + 1, j) * (1.0_rk - c%stretching(0:g%nx + 1, j))
      else
        do i = 0, g%nx + 1
          c%scale(i, j) = c%stretching(i, j)**kappa
        end do
      end if
    end do
    call set_widths(g, surface, c%width_u, c%width_v)
    do j = 1, g%ny + 1
      south = g%area(j - 1) / (2.0_rk * (g%area(j - 1) + g%area(j)))
      north = g%area(j) / (2.0_rk * (g%area(j - 1) + g%area(j)))
      !$omp simd
      do i = 1, g%nx + 1
        associate (here => c%stretching(i, j), west => c%stretching(i - 1, j), &
                   below => c%stretching(i, j - 1), corner => c%stretching(i - 1, j - 1))
          c%inverse_u(i, j) = 2.0_rk / (here + west)
          c%inverse_v(i, j) = 2.0_rk / (here + below)
          c%inverse_z(i, j) = 1.0_rk / (north * (here + west) + (south * (below + corner)))
        end associate
      end do
      if (.not. g%coasts) cycle
      do i = 1, g%nx + 1  ! about corners, land does not count
        associate (a => g%wet_area, b => c%wet)
          area = a(i, j) + a(i - 1, j) + a(i, j - 1) + a(i - 1, j - 1)
          weighted = b(i, j) + b(i - 1, j) + b(i, j - 1) + b(i - 1, j - 1)
          c%inverse_z(i, j) = merge(area, 1.0_rk, area > 0.0_rk) / merge(weighted, 1.0_rk, area > 0.0_rk)
        end associate
      end do
    end do
  end subroutine set_columns

  !> Length of west and south faces times J there (m).
  subroutine set_widths(g, surface, width_u, width_v)
    type(grid_type), intent(in) :: g
    real(rk), intent(in), dimension(g%far_west:g%far_east, g%far_south:g%far_north) :: surface
    real(rk), intent(inout), dimension(g%far_west:g%far_east, g%far_south:g%far_north) :: width_u, width_v
    real(rk), allocatable, save :: stretching(:, :)  ! (i, parity of the row)
    integer :: i, j, here, south

    if (.not. allocated(stretching)) allocate (stretching(g%far_west:g%far_east, 0:1))
    do j = g%far_south, g%far_north - 1
      here = modulo(j, 2)
      south = 1 - here
      !$omp simd
      do i = 1 - g%far_x, g%nx + g%far_x - 1
        stretching(i, here) = (surface(i, j) - g%fixed(i, j)) * g%inverse_thickness(i, j)
      end do
      if (j == g%far_south) cycle
      !$omp simd
      do i = 2 - g%far_x, g%nx + g%far_x - 1
        width_u(i, j) = 0.5_rk * g%dy * (stretching(i, here) + stretching(i - 1, here))
        width_v(i, j) = 0.5_rk * g%dx_v(j) * (stretching(i, here) + stretching(i, south))
      end do
    end do
  end subroutine set_widths
end module column_module
