!> Vertical mixing by the turbulent kinetic energy of a column (dycore/closures/turbulent_kinetic_energy.py).
!>
!> Before velocity changes, `mix` works out viscosity, diffusivity and the rate of dissipation of a row from the energy, the
!> stratification and the shear; after the tracers have changed, `step_energy` takes the energy of the row one step further.
!> All stand at the lower faces of levels, 2 to nz: nothing is mixed through the floor and the surface.
module turbulence
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type
  use rows, only: close_row
  use turbulence_rows
  implicit none
  private
  public :: mix, step_energy

  type, public :: turbulence_type
    real(real64) :: c_k = 0.1_real64, c_eps = 0.7_real64, alpha = 30.0_real64, prandtl_factor = 6.6_real64, surface_factor = 3.75_real64
    real(real64) :: least_prandtl = 1.0_real64, largest_prandtl = 10.0_real64
    real(real64) :: viscosity = 1.0e-4_real64, diffusivity = 1.0e-5_real64, unstable = 1.0_real64  ! m2/s
    real(real64) :: least_energy = 1.0e-6_real64  ! m2/s2
    real(real64) :: least_length = 0.04_real64    ! m
    real(real64) :: linear_drag = 0.0_real64      ! m/s
  end type turbulence_type

  !> Fields of the closure (i, k, j).
  type, public :: mixed_type
    real(rk), pointer, contiguous, dimension(:, :, :) :: energy => null()    ! m2/s2
    real(rk), pointer, contiguous, dimension(:, :, :) :: viscosity, diffusivity, rate  ! m2/s, m2/s, 1/s: of this step
    real(rk), pointer, contiguous, dimension(:, :, :) :: before_u, before_v  ! m/s: velocity before the step
    real(rk), pointer, contiguous, dimension(:, :) :: top                    ! (i, j) m2/s2: energy at the surface
    real(rk), pointer, contiguous, dimension(:, :) :: exchange               ! (i, j) m2/s: with the surface, viscosity there
  end type mixed_type

  real(rk), pointer, contiguous, dimension(:, :) :: n2 => null(), free, above, ratio, value  ! (i, k)
  real(rk), pointer, contiguous, dimension(:) :: length, below, inverse, squared, to_below, to_above, carried
  real(rk), pointer, contiguous, dimension(:, :) :: lower  ! (i, parity of the level): sum of viscosities about a level

contains

  subroutine prepare(g)
    type(grid_type), intent(in) :: g

    if (associated(n2)) return
    n2(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
    free(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
    above(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
    ratio(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
    value(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
    lower(g%west:g%east, 0:1) => zeros(g%stride * 2)
    length(g%west:g%east) => zeros(g%stride)
    below(g%west:g%east) => zeros(g%stride)
    inverse(g%west:g%east) => zeros(g%stride)
    squared(g%west:g%east) => zeros(g%stride)
    to_below(g%west:g%east) => zeros(g%stride)
    to_above(g%west:g%east) => zeros(g%stride)
    carried(g%west:g%east) => zeros(g%stride)
  end subroutine prepare

  !> Viscosity, diffusivity and rate of dissipation of row j, and of the cell to the west of it.
  subroutine mix(g, t, j, stretching, buoyancy, u, v, v_north, m)
    type(grid_type), intent(in) :: g
    type(turbulence_type), intent(in) :: t
    integer, intent(in) :: j
    real(rk), intent(in) :: stretching(g%far_west:g%far_east)
    real(rk), intent(in), dimension(g%west:g%east, g%nz) :: buoyancy, u, v, v_north
    type(mixed_type), intent(inout) :: m
    real(rk) :: least
    integer :: n, k

    call prepare(g)
    n = g%nx + 1
    least = real(t%least_length, rk)
    call inverse_row(n, stretching(0), inverse(0:))
    call square_row(n, inverse(0:), squared(0:))
    length(0:g%nx) = least
    do k = g%nz, 2, -1
      call length_row(n, real(t%least_energy, rk), g%inverse_distance(k), g%dr(k), &
                      stretching(0), inverse(0:), buoyancy(0, k), buoyancy(0, k - 1), m%energy(0:, k, j), &
                      n2(0:, k), free(0:, k), above(0:, k), length(0:))
    end do
    below(0:g%nx) = least
    do k = 2, g%nz
      call below_row(n, g%dr(k - 1), stretching(0), free(0:, k), below(0:))
      if (k - 1 < g%open_level(j)) call at_floor_row(n, k - 1, g%floor(0, j), least, below(0:))
      call mixing_row(n, real([t%least_energy, t%c_k, t%c_eps, t%least_length], rk), m%energy(0:, k, j), above(0:, k), &
                      below(0:), m%viscosity(0:, k, j), m%rate(0:, k, j))
      call squared_step_row(n + 1, u(0, k), u(0, k - 1), length(0:))
      call diffusivity_row(n, real([t%prandtl_factor, t%least_prandtl, t%largest_prandtl, t%unstable, t%viscosity, t%diffusivity], rk), &
                           0.5_rk * g%inverse_distance(k)**2, squared(0:), length(0:), &
                           v(0, k), v(0, k - 1), v_north(0, k), v_north(0, k - 1), n2(0:, k), m%viscosity(0:, k, j), m%diffusivity(0:, k, j))
      if (k - 1 < g%open_level(j)) then
        call close_row(n, k - 1, g%floor(0, j), m%viscosity(0:, k, j))
        call close_row(n, k - 1, g%floor(0, j), m%diffusivity(0:, k, j))
      end if
    end do
  end subroutine mix

  !> The energy of row j after a step that made this velocity and this buoyancy.
  subroutine step_energy(g, t, dt, j, stretching, buoyancy, u, v, v_north, m)
    type(grid_type), intent(in) :: g
    type(turbulence_type), intent(in) :: t
    real(real64), intent(in) :: dt  ! s
    integer, intent(in) :: j
    real(rk), intent(in) :: stretching(g%far_west:g%far_east)
    real(rk), intent(in), dimension(g%west:g%east, g%nz) :: buoyancy, u, v, v_north
    type(mixed_type), intent(inout) :: m
    real(rk) :: least, share
    integer :: nx, k, here, next

    nx = g%nx
    least = real(t%least_energy, rk)
    call inverse_row(nx, stretching(1), inverse(1:))
    call square_row(nx, inverse(1:), squared(1:))
    ratio(1:nx, 1) = 0.0_rk
    value(1:nx, 1) = least
    call sum_row(nx, m%viscosity(1:, 1, j), m%viscosity(1:, 2, j), lower(1:, 0))
    do k = 2, g%nz
      here = modulo(k, 2)
      next = 1 - here
      call squares_row(nx + 1, u(1, k), u(1, k - 1), m%before_u(1:, k, j), m%before_u(1:, k - 1, j), length(1:))
      call squares_row(nx, v(1, k), v(1, k - 1), m%before_v(1:, k, j), m%before_v(1:, k - 1, j), below(1:))
      call squares_row(nx, v_north(1, k), v_north(1, k - 1), m%before_v(1:, k, j + 1), m%before_v(1:, k - 1, j + 1), carried(1:))
      if (k - 1 < max(g%open_level(j), g%open_level(j + 1))) then
        call close_row(nx + 1, k - 1, g%floor_u(1, j), length(1:))
        call close_row(nx, k - 1, g%floor_v(1, j), below(1:))
        call close_row(nx, k - 1, g%floor_v(1, j + 1), carried(1:))
      end if
      if (k < g%nz) then
        call sum_row(nx, m%viscosity(1:, k, j), m%viscosity(1:, k + 1, j), lower(1:, next))
      else
        call sum_row(nx, m%viscosity(1:, k, j), m%exchange(1:, j), lower(1:, next))
      end if
      share = real(0.5_real64 * dt * t%alpha, rk) * g%inverse_distance(k)
      call share_row(nx, share * g%inverse_dr(k), share * merge(g%inverse_dr(k - 1), 0.0_rk, k > 2), squared(1:), lower(1:, next), lower(1:, here), &
                     to_above(1:), to_below(1:))
      if (k - 2 < g%open_level(j)) call close_row(nx, k - 2, g%floor(1, j), to_below(1:))
      call eliminate_energy_row(nx, least, real(dt, rk), 0.25_rk * g%inverse_distance(k)**2, g%inverse_distance(k), squared(1:), &
                                inverse(1:), length(1:), below(1:), carried(1:), buoyancy(1, k), buoyancy(1, k - 1), m%viscosity(1:, k, j), &
                                m%diffusivity(1:, k, j), m%rate(1:, k, j), m%energy(1:, k, j), to_below(1:), to_above(1:), ratio(1:, k - 1), &
                                value(1:, k - 1), ratio(1:, k), value(1:, k))
      if (k - 1 < g%open_level(j)) then
        call close_row(nx, k - 1, g%floor(1, j), ratio(1:, k))
        call at_floor_row(nx, k - 1, g%floor(1, j), least, value(1:, k))
      end if
    end do
    carried(1:nx) = m%top(1:nx, j)
    do k = g%nz, 1, -1
      call substitute_energy_row(nx, least, ratio(1:, k), value(1:, k), carried(1:), m%energy(1:, k, j))
    end do
  end subroutine step_energy
end module turbulence
