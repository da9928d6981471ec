!> Rows of the mixing by turbulent kinetic energy, which `turbulence` calls level by level; as in momentum_rows.f90.
module turbulence_rows
  use precision, only: rk
  implicit none
  private
  public :: inverse_row, square_row, sum_row, length_row, below_row, at_floor_row, mixing_row, squared_step_row, diffusivity_row, squares_row, share_row, &
            eliminate_energy_row, substitute_energy_row

  real(rk), parameter :: least_n2 = 1.0e-12_rk  ! 1/s2

contains

  pure subroutine inverse_row(n, a, inverse)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n)
    real(rk), intent(out) :: inverse(n)
    integer :: i
    do i = 1, n
      inverse(i) = 1.0_rk / a(i)
    end do
  end subroutine inverse_row

  pure subroutine square_row(n, a, square)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n)
    real(rk), intent(out) :: square(n)
    integer :: i
    do i = 1, n
      square(i) = a(i) * a(i)
    end do
  end subroutine square_row

  pure subroutine sum_row(n, a, b, total)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n), b(n)
    real(rk), intent(out) :: total(n)
    integer :: i
    do i = 1, n
      total(i) = a(i) + b(i)
    end do
  end subroutine sum_row

  !> N2, the length that it allows, and the length from above, which `length` carries downwards.
  pure subroutine length_row(n, least_energy, inverse_distance, dr, stretching, inverse_stretching, b, b_below, energy, n2, free, above, length)
    integer, intent(in) :: n
    real(rk), intent(in) :: least_energy, inverse_distance, dr
    real(rk), intent(in), dimension(n) :: stretching, inverse_stretching, b, b_below, energy
    real(rk), intent(out), dimension(n) :: n2, free, above
    real(rk), intent(inout) :: length(n)
    integer :: i
    do i = 1, n
      n2(i) = (b(i) - b_below(i)) * (inverse_distance * inverse_stretching(i))
      free(i) = sqrt(2.0_rk * max(energy(i), least_energy) / max(n2(i), least_n2))
      length(i) = min(length(i) + dr * stretching(i), free(i))
      above(i) = length(i)
    end do
  end subroutine length_row

  !> The length from below, carried upwards.
  pure subroutine below_row(n, dr, stretching, free, below)
    integer, intent(in) :: n
    real(rk), intent(in) :: dr, stretching(n), free(n)
    real(rk), intent(inout) :: below(n)
    integer :: i
    do i = 1, n
      below(i) = min(below(i) + dr * stretching(i), free(i))
    end do
  end subroutine below_row

  !> `least` at the sea floor and below it.
  pure subroutine at_floor_row(n, k, floor, least, values)
    integer, intent(in) :: n, k, floor(n)
    real(rk), intent(in) :: least
    real(rk), intent(inout) :: values(n)
    integer :: i
    do i = 1, n
      values(i) = merge(values(i), least, k >= floor(i))
    end do
  end subroutine at_floor_row

  !> Viscosity without the background, and rate of dissipation. `values`: least energy, c_k, c_eps, least length.
  pure subroutine mixing_row(n, values, energy, above, below, viscosity, rate)
    integer, intent(in) :: n
    real(rk), intent(in) :: values(4)
    real(rk), intent(in), dimension(n) :: energy, above, below
    real(rk), intent(out), dimension(n) :: viscosity, rate
    real(rk) :: root
    integer :: i
    do i = 1, n
      root = sqrt(max(energy(i), values(1)))
      viscosity(i) = values(2) * max(min(above(i), below(i)), values(4)) * root
      rate(i) = values(3) * root / max(sqrt(above(i) * below(i)), values(4))
    end do
  end subroutine mixing_row

  pure subroutine squared_step_row(n, u, u_below, square)
    integer, intent(in) :: n
    real(rk), intent(in) :: u(n), u_below(n)
    real(rk), intent(out) :: square(n)
    integer :: i
    do i = 1, n
      square(i) = (u(i) - u_below(i)) * (u(i) - u_below(i))
    end do
  end subroutine squared_step_row

  !> Diffusivity, and the background added to viscosity. `values`: Prandtl over Richardson number, least and largest Prandtl
  !> number, least diffusivity of an unstable column, background viscosity and diffusivity.
  pure subroutine diffusivity_row(n, values, factor, squared, across_x, v, v_below, north, north_below, n2, viscosity, diffusivity)
    integer, intent(in) :: n
    real(rk), intent(in) :: values(6), factor
    real(rk), intent(in), dimension(n) :: squared, v, v_below, north, north_below, n2
    real(rk), intent(in) :: across_x(n + 1)  ! squares of steps of u
    real(rk), intent(inout) :: viscosity(n)
    real(rk), intent(out) :: diffusivity(n)
    real(rk) :: shear, south, other, prandtl, mixed
    integer :: i
    do i = 1, n
      south = v(i) - v_below(i)
      other = north(i) - north_below(i)
      shear = factor * squared(i) * (across_x(i) + across_x(i + 1) + (south * south + (other * other)))
      prandtl = min(max(values(1) * n2(i) / max(shear, least_n2), values(2)), values(3))
      mixed = viscosity(i) / prandtl
      viscosity(i) = viscosity(i) + values(5)
      diffusivity(i) = merge(max(mixed, values(4)), mixed, n2(i) < 0.0_rk) + values(6)
    end do
  end subroutine diffusivity_row

  !> Product of the changes of a velocity across a face after a step and half way through it, twice.
  pure subroutine squares_row(n, after, after_below, before, before_below, square)
    integer, intent(in) :: n
    real(rk), intent(in), dimension(n) :: after, after_below, before, before_below
    real(rk), intent(out) :: square(n)
    real(rk) :: change
    integer :: i
    do i = 1, n
      change = after(i) - after_below(i)
      square(i) = change * (change + (before(i) - before_below(i)))
    end do
  end subroutine squares_row

  !> Shares of energy that a step mixes through the levels above and below a face.
  pure subroutine share_row(n, above_factor, below_factor, squared, above, below, to_above, to_below)
    integer, intent(in) :: n
    real(rk), intent(in) :: above_factor, below_factor
    real(rk), intent(in), dimension(n) :: squared, above, below
    real(rk), intent(out), dimension(n) :: to_above, to_below
    integer :: i
    do i = 1, n
      to_above(i) = above_factor * squared(i) * above(i)
      to_below(i) = below_factor * squared(i) * below(i)
    end do
  end subroutine share_row

  pure subroutine eliminate_energy_row(n, least, dt, shear_factor, inverse_distance, squared, inverse, west, south, north, b, b_below, &
                                       viscosity, diffusivity, rate, energy, to_below, to_above, ratio_below, value_below, ratio, value)
    integer, intent(in) :: n
    real(rk), intent(in) :: least, dt, shear_factor, inverse_distance, west(n + 1)
    real(rk), intent(in), dimension(n) :: squared, inverse, south, north, b, b_below, viscosity, diffusivity, rate, energy
    real(rk), intent(in), dimension(n) :: to_below, to_above, ratio_below, value_below
    real(rk), intent(out), dimension(n) :: ratio, value
    real(rk) :: now, production, buoyancy, gain, loss, pivot
    integer :: i
    do i = 1, n
      now = max(energy(i), least)
      production = viscosity(i) * (shear_factor * squared(i) * ((west(i) + west(i + 1)) + (south(i) + north(i))))
      buoyancy = diffusivity(i) * ((b(i) - b_below(i)) * (inverse_distance * inverse(i)))
      gain = max(production, 0.0_rk) + max(-buoyancy, 0.0_rk)
      loss = rate(i) + (max(-production, 0.0_rk) + max(buoyancy, 0.0_rk)) / now
      pivot = 1.0_rk / (1.0_rk + to_above(i) + dt * loss + to_below(i) * (1.0_rk - ratio_below(i)))
      ratio(i) = to_above(i) * pivot
      value(i) = (now + dt * gain + to_below(i) * value_below(i)) * pivot
    end do
  end subroutine eliminate_energy_row

  !> `carried` is the energy above on entry, this one on return.
  pure subroutine substitute_energy_row(n, least, ratio, value, carried, energy)
    integer, intent(in) :: n
    real(rk), intent(in) :: least, ratio(n), value(n)
    real(rk), intent(inout) :: carried(n)
    real(rk), intent(out) :: energy(n)
    integer :: i
    do i = 1, n
      carried(i) = value(i) + ratio(i) * carried(i)
      energy(i) = max(carried(i), least)
    end do
  end subroutine substitute_energy_row
end module turbulence_rows
