!> Rows of the change of velocity, which `momentum` calls level by level.
!>
!> Rows. Dummy arguments do not alias and have no bounds to look up, so that each loop becomes plain vector code.
!>
!> Where two products are added, the compiler fuses either one with the addition, in vector code perhaps another than for
!> the last cells of a row. Results would then depend on the length of rows, hence on the number of processes. So the
!> second product is in parentheses: it is rounded, and the first one fused. A product that two neighbours share is worked
!> out in a loop before, for it is not fused where the compiler has seen that.
module momentum_rows
  use precision, only: rk
  implicit none
  private
  public :: vorticity_row, product_row, vorticity_flux_row, buoyancy_row, hydrostatic_row, energy_row, divergence_row, &
            add_divergence_row, step_row, spread_row, add_spread_row, through_row, change_row, add_difference, add_step_row, &
            finish_row

contains

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

  pure subroutine add_step_row(n, factor1, factor2, a1, a2, change)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor1, factor2, a1(n), a2(n)
    real(rk), intent(inout) :: change(n)
    integer :: i
    do i = 1, n
      change(i) = change(i) + (factor1 * a1(i) - (factor2 * a2(i)))
    end do
  end subroutine add_step_row

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
end module momentum_rows
