!> Halo cells: the one place that knows what lies beyond the first and the last cell.
!>
!> x is periodic. Beyond a wall, scalars and u are mirrored and v turns round; beyond a pole lies the
!> opposite meridian, where both components of a vector point the other way. v on the boundary is zero.
module halo_module
  use precision, only: rk
  use grid_module, only: grid_type, halo
  implicit none
  private
  public :: fill_rows, fill_ends, fill

  integer, parameter, public :: centre = 0, west_face = 1, south_face = 2

contains

  !> Columns beyond the first and the last one, of n rows that follow each other in memory.
  subroutine fill_rows(g, n, rows)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n
    real(rk), intent(inout) :: rows(g%west:g%east, n)
    integer :: m

    do m = 1, n
      rows(1 - halo:0, m) = rows(g%nx + 1 - halo:g%nx, m)
      rows(g%nx + 1:g%nx + halo, m) = rows(1:halo, m)
    end do
  end subroutine fill_rows

  !> Rows beyond the first and the last one, of a field of n levels (one for two-dimensional fields).
  subroutine fill_ends(g, n, place, field)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n, place
    real(rk), intent(inout) :: field(g%west:g%east, n, g%south:g%north)
    integer :: m, face
    real(rk) :: sign

    face = merge(1, 0, place == south_face)
    sign = merge(-1.0_rk, 1.0_rk, merge(place /= centre, place == south_face, g%sphere))
    if (face == 1) then
      field(:, :, 1) = 0.0_rk
      field(:, :, g%ny + 1) = 0.0_rk
    end if
    do m = 1, halo
      call mirror(1 - m, m + face)
      if (g%ny + m + face <= g%north) call mirror(g%ny + m + face, g%ny + 1 - m)
    end do
  contains
    subroutine mirror(to, from)
      integer, intent(in) :: to, from
      integer :: half

      if (g%sphere) then
        half = g%nx / 2
        field(1:half, :, to) = sign * field(half + 1:g%nx, :, from)
        field(half + 1:g%nx, :, to) = sign * field(1:half, :, from)
        call fill_rows(g, n, field(:, :, to))
      else
        field(:, :, to) = sign * field(:, :, from)
      end if
    end subroutine mirror
  end subroutine fill_ends

  !> All of the halo of a field of n levels.
  subroutine fill(g, n, place, field)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n, place
    real(rk), intent(inout) :: field(g%west:g%east, n, g%south:g%north)

    call fill_rows(g, n * g%ny, field(:, :, 1:g%ny))
    call fill_ends(g, n, place, field)
  end subroutine fill
end module halo_module
