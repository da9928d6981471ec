!> Rows of what unresolved eddies mix and carry, which `eddies` calls level by level; as in momentum_rows.f90.
!>
!> Of a face in any direction `first` is the cell west or south of it, `second` the other; `lower` and `upper` are their lower and
!> upper faces (dycore/equations/neutral_slopes.py).
module eddies_rows
  use precision, only: rk
  implicit none
  private
  public :: stability_row, mask_row, open_row, triads_row, neutral_flux_row, weight_row, gather_row, gather_both_row, residual_row, rise_row, &
            add_row, add_across_row, across_row

contains

  !> N2, no less than the least, and its inverse.
  pure subroutine stability_row(n, inverse_distance, least, inverse_stretching, b, b_below, n2, inverse)
    integer, intent(in) :: n
    real(rk), intent(in) :: inverse_distance, least
    real(rk), intent(in), dimension(n) :: inverse_stretching, b, b_below
    real(rk), intent(out), dimension(n) :: n2, inverse
    integer :: i
    do i = 1, n
      n2(i) = max((b(i) - b_below(i)) * (inverse_distance * inverse_stretching(i)), least)
      inverse(i) = 1.0_rk / n2(i)
    end do
  end subroutine stability_row

  !> 1 where a face is open and there is a level below in a cell beside it, 0 elsewhere.
  pure subroutine mask_row(n, k, floor_of_face, floor, mask)
    integer, intent(in) :: n, k, floor_of_face(n), floor(n)
    real(rk), intent(out) :: mask(n)
    integer :: i
    do i = 1, n
      mask(i) = merge(1.0_rk, 0.0_rk, k >= floor_of_face(i) .and. k > floor(i))
    end do
  end subroutine mask_row

  !> `most` where a face is open, 0 elsewhere.
  pure subroutine open_row(n, k, floor_of_face, most, mask)
    integer, intent(in) :: n, k, floor_of_face(n)
    real(rk), intent(in) :: most
    real(rk), intent(out) :: mask(n)
    integer :: i
    do i = 1, n
      mask(i) = merge(most, 0.0_rk, k >= floor_of_face(i))
    end do
  end subroutine open_row

  !> Slopes of the four triads times their taper and the inverse stretching, the sum of the tapers, and the stream function at
  !> the lower edge of the face. `from_below` holds the slopes of the upper triads of the level below, and then those of this.
  pure subroutine triads_row(n, steepest, inverse_distance, quarter, b1, b2, n2_lower1, n2_lower2, n2_upper1, n2_upper2, inverse_lower1, &
                             inverse_lower2, inverse_upper1, inverse_upper2, mask_lower1, mask_lower2, mask_upper, shrink1, shrink2, &
                             lower1, lower2, upper1, upper2, taper, from_below, stream)
    integer, intent(in) :: n
    real(rk), intent(in) :: steepest, inverse_distance, quarter
    real(rk), intent(in), dimension(n) :: b1, b2, n2_lower1, n2_lower2, n2_upper1, n2_upper2, inverse_lower1, inverse_lower2
    real(rk), intent(in), dimension(n) :: inverse_upper1, inverse_upper2, mask_lower1, mask_lower2, mask_upper, shrink1, shrink2
    real(rk), intent(out), dimension(n) :: lower1, lower2, upper1, upper2, taper, stream
    real(rk), intent(inout) :: from_below(n)
    real(rk) :: slope, bound, t1, t2, t3, t4, s1, s2, s3, s4
    integer :: i
    do i = 1, n
      slope = (b1(i) - b2(i)) * inverse_distance
      bound = steepest / slope  ! infinite where there is no slope
      bound = bound * bound
      t1 = mask_lower1(i) * min(1.0_rk, bound * (n2_lower1(i) * n2_lower1(i)))
      t2 = mask_lower2(i) * min(1.0_rk, bound * (n2_lower2(i) * n2_lower2(i)))
      t3 = mask_upper(i) * min(1.0_rk, bound * (n2_upper1(i) * n2_upper1(i)))
      t4 = mask_upper(i) * min(1.0_rk, bound * (n2_upper2(i) * n2_upper2(i)))
      s1 = t1 * slope * inverse_lower1(i)
      s2 = t2 * slope * inverse_lower2(i)
      s3 = t3 * slope * inverse_upper1(i)
      s4 = t4 * slope * inverse_upper2(i)
      stream(i) = quarter * ((s1 + s2) + from_below(i))
      from_below(i) = s3 + s4
      lower1(i) = s1 * shrink1(i)
      lower2(i) = s2 * shrink2(i)
      upper1(i) = s3 * shrink1(i)
      upper2(i) = s4 * shrink2(i)
      taper(i) = (t1 + t2) + (t3 + t4)
    end do
  end subroutine triads_row

  !> Flux along neutral surfaces through a face, and its weight in those across the levels.
  pure subroutine neutral_flux_row(n, quarter, whole, inverse_distance, below, above, width, lower1, lower2, upper1, upper2, taper, &
                                   c1, c2, c1_below, c2_below, c1_above, c2_above, flux, weight)
    integer, intent(in) :: n
    real(rk), intent(in) :: quarter, whole, inverse_distance, below, above
    real(rk), intent(in), dimension(n) :: width, lower1, lower2, upper1, upper2, taper, c1, c2, c1_below, c2_below, c1_above, c2_above
    real(rk), intent(out), dimension(n) :: flux, weight
    real(rk) :: step, under, over
    integer :: i
    do i = 1, n
      step = c2(i) - c1(i)
      under = lower1(i) * (c1(i) - c1_below(i)) + (lower2(i) * (c2(i) - c2_below(i)))
      over = upper1(i) * (c1_above(i) - c1(i)) + (upper2(i) * (c2_above(i) - c2(i)))
      flux(i) = -quarter * width(i) * (inverse_distance * taper(i) * step + (below * under) + above * over)
      weight(i) = whole * width(i) * step
    end do
  end subroutine neutral_flux_row

  pure subroutine weight_row(n, whole, width, c1, c2, weight)
    integer, intent(in) :: n
    real(rk), intent(in) :: whole
    real(rk), intent(in), dimension(n) :: width, c1, c2
    real(rk), intent(out) :: weight(n)
    integer :: i
    do i = 1, n
      weight(i) = whole * width(i) * (c2(i) - c1(i))
    end do
  end subroutine weight_row

  !> Adds to the fluxes across the lower and the upper faces of a row of cells what the faces to the west and east of each make.
  pure subroutine gather_both_row(n, dr, weight, lower1, lower2, upper1, upper2, across, across_above)
    integer, intent(in) :: n
    real(rk), intent(in) :: dr
    real(rk), intent(in), dimension(n + 1) :: weight, lower1, lower2, upper1, upper2
    real(rk), intent(inout), dimension(n) :: across, across_above
    integer :: i
    do i = 1, n
      across(i) = across(i) + dr * (lower2(i) * weight(i) + (lower1(i + 1) * weight(i + 1)))
      across_above(i) = across_above(i) + dr * (upper2(i) * weight(i) + (upper1(i + 1) * weight(i + 1)))
    end do
  end subroutine gather_both_row

  !> The same of the faces on one side: south or north.
  pure subroutine gather_row(n, dr, weight, lower, upper, across, across_above)
    integer, intent(in) :: n
    real(rk), intent(in) :: dr
    real(rk), intent(in), dimension(n) :: weight, lower, upper
    real(rk), intent(inout), dimension(n) :: across, across_above
    integer :: i
    do i = 1, n
      across(i) = across(i) + dr * (lower(i) * weight(i))
      across_above(i) = across_above(i) + dr * (upper(i) * weight(i))
    end do
  end subroutine gather_row

  !> The transport of tracers through a face, from that of mass and the stream functions at its lower and upper edge.
  pure subroutine residual_row(n, factor, stream, stream_above, transport)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor
    real(rk), intent(in), dimension(n) :: stream, stream_above
    real(rk), intent(inout) :: transport(n)
    integer :: i
    do i = 1, n
      transport(i) = transport(i) - factor * (stream_above(i) - stream(i))
    end do
  end subroutine residual_row

  !> The flux of both flows through a lower face, from that of the resolved one.
  pure subroutine rise_row(n, inverse_area, dy, dx_south, dx_north, stream_x, south, north, w, moving)
    integer, intent(in) :: n
    real(rk), intent(in) :: inverse_area, dy, dx_south, dx_north
    real(rk), intent(in) :: stream_x(n + 1)
    real(rk), intent(in), dimension(n) :: south, north, w
    real(rk), intent(out) :: moving(n)
    integer :: i
    do i = 1, n
      moving(i) = w(i) + inverse_area * (dy * (stream_x(i + 1) - stream_x(i)) + (dx_north * north(i) - (dx_south * south(i))))
    end do
  end subroutine rise_row

  pure subroutine add_row(n, a, total)
    integer, intent(in) :: n
    real(rk), intent(in) :: a(n)
    real(rk), intent(inout) :: total(n)
    integer :: i
    do i = 1, n
      total(i) = total(i) + a(i)
    end do
  end subroutine add_row

  !> Adds a flux across the levels, from what the faces about the cells have given to it.
  pure subroutine add_across_row(n, factor, across, flux)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor, across(n)
    real(rk), intent(inout) :: flux(n)
    integer :: i
    do i = 1, n
      flux(i) = flux(i) + factor * across(i)
    end do
  end subroutine add_across_row

  !> Diffusivity across the levels: that along neutral surfaces, and another.
  pure subroutine across_row(n, factor, across, inverse, diffusivity, total)
    integer, intent(in) :: n
    real(rk), intent(in) :: factor
    real(rk), intent(in), dimension(n) :: across, inverse, diffusivity
    real(rk), intent(out) :: total(n)
    integer :: i
    do i = 1, n
      total(i) = diffusivity(i) + factor * across(i) * inverse(i)
    end do
  end subroutine across_row
end module eddies_rows
