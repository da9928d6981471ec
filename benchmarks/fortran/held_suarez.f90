!> The forcing of Held and Suarez (1994, Bull. Amer. Meteor. Soc. 75, 1825): potential temperature relaxed to that of a
!> zonally symmetric equilibrium, and drag near the ground (dycore/physics/held_suarez.py).
module held_suarez_module
  use precision, only: rk, real64
  implicit none
  private
  public :: prepare_held_suarez, column_row, relax_row, drag_row

  real(real64), parameter :: day = 86400.0_real64
  real(real64), parameter :: boundary_layer = 0.7_real64  ! sigma
  real(real64), parameter :: friction = 1.0_real64 / day, free = 1.0_real64 / (40.0_real64 * day), ground = 1.0_real64 / (4.0_real64 * day)  ! 1/s
  real(real64), parameter :: warmest = 315.0_real64, stratosphere = 200.0_real64, meridional = 60.0_real64, vertical = 10.0_real64  ! K

  !> Profiles (k) and functions of latitude (j, of all rows).
  type, public :: held_suarez_type
    real(real64), allocatable :: drag(:)      ! 1/s: of velocity, zero above the boundary layer
    real(real64), allocatable :: rate(:, :)   ! (k, j) 1/s: of relaxation
    real(real64), allocatable :: cold(:)      ! K: potential temperature of the stratosphere at a reference level
    real(real64), allocatable :: warm(:, :)   ! (k, j) K: that of the troposphere at a reference level
    real(real64), allocatable :: fall(:)      ! (j) K: of it with the logarithm of pressure
  end type held_suarez_type

contains

  subroutine prepare_held_suarez(f, interfaces, exner, kappa, latitude)
    type(held_suarez_type), intent(out) :: f
    real(real64), intent(in) :: interfaces(0:), exner(:), kappa, latitude(:)
    real(real64), allocatable :: sigma(:), above(:), cosine2(:)
    integer :: j, k, nz

    nz = size(exner)
    sigma = interfaces / interfaces(nz)
    above = max(0.0_real64, 0.5_real64 * (sigma(2:) + sigma(:nz)) - boundary_layer) / (1.0_real64 - boundary_layer)
    cosine2 = cos(latitude)**2
    f%drag = friction * above
    f%cold = stratosphere / exner
    f%fall = vertical * cosine2
    allocate (f%rate(nz, size(latitude)), f%warm(nz, size(latitude)))
    do j = 1, size(latitude)
      do k = 1, nz
        f%rate(k, j) = free + (ground - free) * above(k) * cosine2(j)**2
        f%warm(k, j) = warmest - meridional * (1.0_real64 - cosine2(j)) - f%fall(j) * log(exner(k)) / kappa
      end do
    end do
  end subroutine prepare_held_suarez

  ! Rows, as in momentum.f90.

  !> What relaxation needs of each column: 1 / scale, and the logarithm of the stretching by the first terms of
  !> 2 artanh((J - 1) / (J + 1)), as the core has it.
  pure subroutine column_row(n, stretching, scale, inverse_scale, logarithm)
    integer, intent(in) :: n
    real(rk), intent(in) :: stretching(n), scale(n)
    real(rk), intent(out) :: inverse_scale(n), logarithm(n)
    real(rk) :: y, square
    integer :: i
    do i = 1, n
      inverse_scale(i) = 1.0_rk / scale(i)
      y = (stretching(i) - 1.0_rk) / (stretching(i) + 1.0_rk)
      square = y * y
      logarithm(i) = 2.0_rk * y * (1.0_rk + square * (1.0_rk / 3.0_rk + square * (0.2_rk + square * (1.0_rk / 7.0_rk + square * (1.0_rk / 9.0_rk)))))
    end do
  end subroutine column_row

  !> Adds the relaxation of a row of potential temperature to its divergence (K/s per reference thickness).
  pure subroutine relax_row(n, rate, cold, warm, fall, stretching, inverse_scale, logarithm, theta, divergence)
    integer, intent(in) :: n
    real(rk), intent(in) :: rate, cold, warm, fall
    real(rk), intent(in), dimension(n) :: stretching, inverse_scale, logarithm, theta
    real(rk), intent(inout) :: divergence(n)
    integer :: i
    do i = 1, n
      divergence(i) = divergence(i) + rate * stretching(i) * (theta(i) - max(cold * inverse_scale(i), warm - fall * logarithm(i)))
    end do
  end subroutine relax_row

  !> Adds drag to the tendency of either component of velocity, and to the change that is extrapolated from it (m/s2).
  pure subroutine drag_row(n, drag, weight, velocity, tendency, change)
    integer, intent(in) :: n
    real(rk), intent(in) :: drag, weight, velocity(n)
    real(rk), intent(inout) :: tendency(n), change(n)
    integer :: i
    do i = 1, n
      tendency(i) = tendency(i) - drag * velocity(i)
      change(i) = change(i) - weight * drag * velocity(i)
    end do
  end subroutine drag_row
end module held_suarez_module
