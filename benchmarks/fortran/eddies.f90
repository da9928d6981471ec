!> Unresolved eddies: neutral slopes by triads, what they mix along neutral surfaces, and the bolus flow
!> (dycore/equations/neutral_slopes.py, neutral_diffusion.py, bolus.py).
!>
!> `faces` works out the western faces of row j and its northern ones, level by level; what the latter give to row j + 1 waits
!> in the slices of that row. So each triad is worked out once, and none is stored.
module eddies
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type
  use rows, only: close_row
  use momentum_rows, only: buoyancy_row
  use turbulence_rows, only: inverse_row
  use eddies_rows
  implicit none
  private
  public :: start_eddies, close_south, stratify, faces

  real(real64), parameter :: least_stratification = 1.0e-12_real64  ! 1/s2

  type, public :: eddies_type
    real(real64) :: neutral = 0.0_real64, transport = 0.0_real64  ! m2/s: diffusivities
    real(real64) :: steepest = 5.0e-3_real64                       ! no unit: slope
  end type eddies_type

  ! Slices (i, k) of a row, or (i, k, parity of the row).
  real(rk), pointer, contiguous, public, protected :: stream_x(:, :) => null(), stream_y(:, :, :)  ! m2/s: at lower edges, 1 to nz + 1
  real(rk), pointer, contiguous, public, protected :: flux_x(:, :, :), flux_y(:, :, :)   ! (i, k, tracer) m2/s and the tracer's unit
  real(rk), pointer, contiguous, public, protected :: across(:, :, :, :)                 ! (i, k, 0 for buoyancy or tracer, parity of the row)
  real(rk), pointer, contiguous, public, protected :: inverse_n2(:, :, :)                ! s2
  real(rk), pointer, contiguous, dimension(:, :, :) :: buoyancy, n2
  real(rk), pointer, contiguous, dimension(:, :) :: shrink  ! (i, parity of the row): 1 / stretching
  real(rk), pointer, contiguous, dimension(:) :: lower1, lower2, upper1, upper2, taper, weight, below_x, below_y, mask1, mask2, mask

contains

  subroutine start_eddies(g, n_tracers)
    type(grid_type), intent(in) :: g
    integer, intent(in) :: n_tracers

    stream_x(g%west:g%east, 1:g%nz + 1) => zeros(g%stride * (g%nz + 1))
    stream_y(g%west:g%east, 1:g%nz + 1, 0:1) => zeros(g%stride * (g%nz + 1) * 2)
    flux_x(g%west:g%east, 1:g%nz, 1:n_tracers) => zeros(g%stride * g%nz * n_tracers)
    flux_y(g%west:g%east, 1:g%nz, 1:n_tracers) => zeros(g%stride * g%nz * n_tracers)
    across(g%west:g%east, 1:g%nz + 1, 0:n_tracers, 0:1) => zeros(g%stride * (g%nz + 1) * (n_tracers + 1) * 2)
    inverse_n2(g%west:g%east, 1:g%nz + 1, 0:1) => zeros(g%stride * (g%nz + 1) * 2)
    n2(g%west:g%east, 1:g%nz + 1, 0:1) => zeros(g%stride * (g%nz + 1) * 2)
    buoyancy(g%west:g%east, 1:g%nz, 0:1) => zeros(g%stride * g%nz * 2)
    shrink(g%west:g%east, 0:1) => zeros(g%stride * 2)
    lower1(g%west:g%east) => zeros(g%stride)
    lower2(g%west:g%east) => zeros(g%stride)
    upper1(g%west:g%east) => zeros(g%stride)
    upper2(g%west:g%east) => zeros(g%stride)
    taper(g%west:g%east) => zeros(g%stride)
    weight(g%west:g%east) => zeros(g%stride)
    below_x(g%west:g%east) => zeros(g%stride)
    below_y(g%west:g%east) => zeros(g%stride)
    mask1(g%west:g%east) => zeros(g%stride)
    mask2(g%west:g%east) => zeros(g%stride)
    mask(g%west:g%east) => zeros(g%stride)
    n2 = 1.0_rk  ! of the floor and the surface, where no triads are
    inverse_n2 = 1.0_rk
  end subroutine start_eddies

  !> Before the first row, where nothing comes from the south.
  subroutine close_south
    across(:, :, :, 1) = 0.0_rk
    stream_y(:, :, 1) = 0.0_rk
  end subroutine close_south

  !> Buoyancy and stratification of row j, cells 0 to nx + 1. Nothing of its fluxes is known yet.
  subroutine stratify(g, slope, reference, j, stretching, c, now)
    type(grid_type), intent(in) :: g
    real(rk), intent(in) :: slope(2), reference(2)
    integer, intent(in) :: j, now
    real(rk), intent(in) :: stretching(g%far_west:g%far_east)
    real(rk), intent(in) :: c(g%west:g%east, g%nz, g%south:g%north, 3, 2)
    integer :: k, n, here

    n = g%nx + 2
    here = modulo(j, 2)
    call inverse_row(n, stretching(0), shrink(0:, here))
    do k = 1, g%nz
      call buoyancy_row(n, slope(1), reference(1), c(0, k, j, now, 1), buoyancy(0:, k, here), .false.)
      call buoyancy_row(n, slope(2), reference(2), c(0, k, j, now, 2), buoyancy(0:, k, here), .true.)
      if (k > 1) call stability_row(n, g%inverse_distance(k), real(least_stratification, rk), &
                                    shrink(0:, here), buoyancy(0:, k, here), buoyancy(0:, k - 1, here), n2(0:, k, here), inverse_n2(0:, k, here))
    end do
  end subroutine stratify

  !> Stream functions and fluxes at the western faces of row j (unless j = 0) and its northern faces.
  subroutine faces(g, e, n_tracers, j, width_u, width_v, c, now)
    type(grid_type), intent(in) :: g
    type(eddies_type), intent(in) :: e
    integer, intent(in) :: n_tracers, j, now
    real(rk), intent(in), dimension(g%far_west:g%far_east, g%far_south:g%far_north) :: width_u, width_v
    real(rk), intent(in) :: c(g%west:g%east, g%nz, g%south:g%north, 3, n_tracers)
    integer :: k, m, nx, here, next, down, up
    real(rk) :: below, above, neutral, steepest
    logical :: land

    nx = g%nx
    here = modulo(j, 2)
    next = 1 - here
    neutral = real(e%neutral, rk)
    steepest = real(e%steepest, rk)
    below_x = 0.0_rk
    below_y = 0.0_rk
    across(:, :, :, next) = 0.0_rk
    do k = 1, g%nz
      land = k <= g%open_level(j) .and. g%open_level(j) > 1
      down = max(k - 1, 1)  ! where there is no level the triads are zero
      up = min(k + 1, g%nz)
      below = g%inverse_distance(k)
      above = g%inverse_distance(k + 1)
      if (j > 0) call x_faces
      call y_faces
    end do

  contains

    subroutine x_faces
      call set_masks(nx + 1, g%floor_u(1, j), g%floor(0, j), g%floor(1, j))
      call triads_row(nx + 1, steepest, g%inverse_dx_u(j), real(0.25_real64 * e%transport, rk), buoyancy(0:, k, here), buoyancy(1:, k, here), &
                      n2(0:, k, here), n2(1:, k, here), n2(0:, k + 1, here), n2(1:, k + 1, here), inverse_n2(0:, k, here), &
                      inverse_n2(1:, k, here), inverse_n2(0:, k + 1, here), inverse_n2(1:, k + 1, here), mask1(1:), mask2(1:), mask(1:), &
                      shrink(0:, here), shrink(1:, here), lower1(1:), lower2(1:), upper1(1:), upper2(1:), taper(1:), below_x(1:), stream_x(1:, k))
      if (land) call close_row(nx + 1, k - 1, g%floor_u(1, j), stream_x(1:, k))
      call weight_row(nx + 1, neutral, width_u(1, j), buoyancy(0:, k, here), buoyancy(1:, k, here), weight(1:))
      call gather_both_row(nx, g%dr(k), weight(1:), lower1(1:), lower2(1:), upper1(1:), upper2(1:), across(1:, k, 0, here), across(1:, k + 1, 0, here))
      do m = 1, n_tracers
        call neutral_flux_row(nx + 1, 0.25_rk * neutral, neutral, g%inverse_dx_u(j), below, above, width_u(1, j), lower1(1:), lower2(1:), upper1(1:), &
                              upper2(1:), taper(1:), c(0, k, j, now, m), c(1, k, j, now, m), c(0, down, j, now, m), c(1, down, j, now, m), &
                              c(0, up, j, now, m), c(1, up, j, now, m), flux_x(1:, k, m), weight(1:))
        call gather_both_row(nx, g%dr(k), weight(1:), lower1(1:), lower2(1:), upper1(1:), upper2(1:), across(1:, k, m, here), &
                             across(1:, k + 1, m, here))
      end do
    end subroutine x_faces

    subroutine y_faces
      call set_masks(nx, g%floor_v(1, j + 1), g%floor(1, j), g%floor(1, j + 1))
      call triads_row(nx, steepest, g%inverse_dy, real(0.25_real64 * e%transport, rk), buoyancy(1:, k, here), buoyancy(1:, k, next), &
                      n2(1:, k, here), n2(1:, k, next), n2(1:, k + 1, here), n2(1:, k + 1, next), inverse_n2(1:, k, here), &
                      inverse_n2(1:, k, next), inverse_n2(1:, k + 1, here), inverse_n2(1:, k + 1, next), mask1(1:), mask2(1:), mask(1:), &
                      shrink(1:, here), shrink(1:, next), lower1(1:), lower2(1:), upper1(1:), upper2(1:), taper(1:), below_y(1:), &
                      stream_y(1:, k, next))
      if (land) call close_row(nx, k - 1, g%floor_v(1, j + 1), stream_y(1:, k, next))
      call weight_row(nx, neutral, width_v(1, j + 1), buoyancy(1:, k, here), buoyancy(1:, k, next), weight(1:))
      call give(0)
      do m = 1, n_tracers
        call neutral_flux_row(nx, 0.25_rk * neutral, neutral, g%inverse_dy, below, above, width_v(1, j + 1), lower1(1:), lower2(1:), upper1(1:), &
                              upper2(1:), taper(1:), c(1, k, j, now, m), c(1, k, j + 1, now, m), c(1, down, j, now, m), c(1, down, j + 1, now, m), &
                              c(1, up, j, now, m), c(1, up, j + 1, now, m), flux_y(1:, k, m), weight(1:))
        call give(m)
      end do
    end subroutine y_faces

    !> To the cells on both sides of northern faces.
    subroutine give(field)
      integer, intent(in) :: field
      call gather_row(nx, g%dr(k), weight(1:), lower1(1:), upper1(1:), across(1:, k, field, here), across(1:, k + 1, field, here))
      call gather_row(nx, g%dr(k), weight(1:), lower2(1:), upper2(1:), across(1:, k, field, next), across(1:, k + 1, field, next))
    end subroutine give

    subroutine set_masks(n, floor_of_face, first, second)
      integer, intent(in) :: n, floor_of_face(n), first(n), second(n)

      if (land) then
        call mask_row(n, k, floor_of_face, first, mask1(1:))
        call mask_row(n, k, floor_of_face, second, mask2(1:))
        call open_row(n, k, floor_of_face, merge(1.0_rk, 0.0_rk, k < g%nz), mask(1:))
      else
        mask1(1:n) = merge(1.0_rk, 0.0_rk, k > 1)
        mask2(1:n) = mask1(1:n)
        mask(1:n) = merge(1.0_rk, 0.0_rk, k < g%nz)
      end if
    end subroutine set_masks
  end subroutine faces
end module eddies
