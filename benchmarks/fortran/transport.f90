!> Continuity and tracers in one pass over memory: flux through the levels, and each tracer one step later by
!> third-order upwind advection of its value extrapolated half a step ahead (dycore/continuity.py, advection.py).
!>
!> Iteration j extrapolates the tracers of row j + 2 into a ring of four vertical slices, works out the fluxes
!> through the northern faces of row j (its southern ones are kept from before) and finishes row j. The new
!> tracer replaces its eldest value, which none needs any more: all stencils read the ring.
module transport
  use precision, only: rk, real64
  use grid_module, only: grid_type
  use cases, only: parameters_type
  use column_module, only: column_type
  use polar_filter, only: filter_type
  use halo_module, only: fill_rows
  implicit none
  private
  public :: step_tracers

  !> What carries mass and tracers (i, j).
  type, public :: flow_type
    real(rk), allocatable, dimension(:, :) :: width_u, width_v            ! m
    real(rk), allocatable, dimension(:, :) :: correction_u, correction_v  ! m/s, with substeps only
    real(rk), allocatable, dimension(:, :) :: total                       ! unit of r per s: minus dR/dt
  end type flow_type

  real(rk), allocatable :: ahead(:, :, :, :)                ! (i, k, row modulo 4, tracer)
  real(rk), allocatable :: south_transport(:, :)            ! (i, k) m2/s
  real(rk), allocatable :: south_flux(:, :, :)              ! (i, k, tracer)
  real(rk), allocatable :: divergence(:, :, :)              ! (i, k, 0 for mass or tracer)

contains

  !> `change_u`, `change_v` (m/s) are first added to all levels of u and v where there are substeps.
  subroutine step_tracers(g, p, filter, weights, column, flow, inverse_new, change_u, change_v, u, v, w, c, now, one, two)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(filter_type), intent(inout) :: filter
    real(rk), intent(in) :: weights(3)
    type(column_type), intent(in) :: column
    type(flow_type), intent(in) :: flow
    real(rk), intent(in), dimension(g%west:g%east, g%south:g%north) :: inverse_new, change_u, change_v
    real(rk), intent(inout), dimension(g%west:g%east, g%nz, g%south:g%north) :: u, v, w
    real(rk), intent(inout) :: c(g%west:g%east, g%nz, g%south:g%north, 3, p%n_tracers)
    integer, intent(in) :: now, one, two
    real(rk), dimension(g%nx + 1) :: transport_u, transport_v
    real(rk) :: flux(g%nx + 1), lower(g%nx, p%n_tracers)
    real(rk) :: dt, diffusivity
    integer :: i, j, k, m, nx, row(-1:2)
    logical :: split, diffusion, land

    nx = g%nx
    if (.not. allocated(ahead)) then
      allocate (ahead(g%west:g%east, g%nz, 0:3, p%n_tracers), source=0.0_rk)
      allocate (south_transport(nx, g%nz), south_flux(nx, g%nz, p%n_tracers), divergence(nx, g%nz, 0:p%n_tracers), source=0.0_rk)
    end if
    dt = real(p%time_step, rk)
    diffusivity = real(p%diffusivity, rk)
    split = p%substeps > 1
    diffusion = p%diffusivity > 0.0_real64

    ! Nothing passes the southern boundary, wall or pole.
    south_transport = 0.0_rk
    south_flux = 0.0_rk
    do j = 0, 2
      call extrapolate(j)
    end do
    do j = 1, g%ny
      row = modulo([j - 1, j, j + 1, j + 2], 4)
      call extrapolate(j + 2)
      do k = 1, g%nz
        land = k < g%open_level(j)
        call mass_fluxes
        do m = 1, p%n_tracers
          call tracer_fluxes
        end do
      end do
      if (filter%row(j) > 0) then
        do m = 0, p%n_tracers
          call filter%apply(g%nz, divergence(:, :, m), filter%centres(:, filter%row(j)))
        end do
      end if
      call finish
    end do

  contains

    !> Tracers half a step ahead.
    subroutine extrapolate(to)
      integer, intent(in) :: to
      integer :: level, slice, tracer

      slice = modulo(to, 4)
      do tracer = 1, p%n_tracers
        do level = 1, g%nz
          !$omp simd
          do i = g%west, g%east
            ahead(i, level, slice, tracer) = weights(1) * c(i, level, to, now, tracer) + weights(2) * c(i, level, to, one, tracer) &
                                             + weights(3) * c(i, level, to, two, tracer)
          end do
        end do
      end do
    end subroutine extrapolate

    !> Transport per reference thickness (m2/s) through west and north faces of a level, and its divergence (1/s).
    subroutine mass_fluxes
      if (split) then
        if (land) then
          !$omp simd
          do i = 1, nx + 1
            u(i, k, j) = merge(u(i, k, j) + change_u(i, j), 0.0_rk, k >= g%floor_u(i, j))
            v(i, k, j + 1) = merge(v(i, k, j + 1) + change_v(i, j + 1), 0.0_rk, k >= g%floor_v(i, j + 1))
            transport_u(i) = merge(flow%width_u(i, j) * (u(i, k, j) + flow%correction_u(i, j)), 0.0_rk, k >= g%floor_u(i, j))
            transport_v(i) = merge(flow%width_v(i, j + 1) * (v(i, k, j + 1) + flow%correction_v(i, j + 1)), 0.0_rk, k >= g%floor_v(i, j + 1))
          end do
        else
          !$omp simd
          do i = 1, nx + 1
            u(i, k, j) = u(i, k, j) + change_u(i, j)
            v(i, k, j + 1) = v(i, k, j + 1) + change_v(i, j + 1)
            transport_u(i) = flow%width_u(i, j) * (u(i, k, j) + flow%correction_u(i, j))
            transport_v(i) = flow%width_v(i, j + 1) * (v(i, k, j + 1) + flow%correction_v(i, j + 1))
          end do
        end if
      else
        !$omp simd
        do i = 1, nx + 1
          transport_u(i) = flow%width_u(i, j) * u(i, k, j)
          transport_v(i) = flow%width_v(i, j + 1) * v(i, k, j + 1)
        end do
      end if
      !$omp simd
      do i = 1, nx
        divergence(i, k, 0) = g%inverse_area(j) * (transport_u(i + 1) - transport_u(i) + (transport_v(i) - south_transport(i, k)))
        south_transport(i, k) = transport_v(i)
      end do
    end subroutine mass_fluxes

    !> The horizontal divergence of tracer m on a level (its unit per s).
    subroutine tracer_fluxes
      real(rk) :: step, before, after, north
      !$omp simd private(step, before, after)
      do i = 1, nx + 1
        step = ahead(i, k, row(0), m) - ahead(i - 1, k, row(0), m)
        before = ahead(i - 1, k, row(0), m) - ahead(i - 2, k, row(0), m)
        after = ahead(i + 1, k, row(0), m) - ahead(i, k, row(0), m)
        if (land) then  ! behind a closed face stands the last value before it
          before = merge(before, 0.0_rk, k >= g%floor_u(i - 1, j))
          after = merge(after, 0.0_rk, k >= g%floor_u(i + 1, j))
        end if
        flux(i) = transport_u(i) * face_value(transport_u(i), ahead(i - 1, k, row(0), m), ahead(i, k, row(0), m), before, step, after)
        if (diffusion) then
          step = c(i, k, j, now, m) - c(i - 1, k, j, now, m)
          if (land) step = merge(step, 0.0_rk, k >= g%floor_u(i, j))
          flux(i) = flux(i) - diffusivity * g%inverse_dx_u(j) * flow%width_u(i, j) * step
        end if
      end do
      !$omp simd private(step, before, after, north)
      do i = 1, nx
        step = ahead(i, k, row(1), m) - ahead(i, k, row(0), m)
        before = ahead(i, k, row(0), m) - ahead(i, k, row(-1), m)
        after = ahead(i, k, row(2), m) - ahead(i, k, row(1), m)
        if (land) then
          before = merge(before, 0.0_rk, k >= g%floor_v(i, j))
          after = merge(after, 0.0_rk, k >= g%floor_v(i, j + 2))
        end if
        north = transport_v(i) * face_value(transport_v(i), ahead(i, k, row(0), m), ahead(i, k, row(1), m), before, step, after)
        if (diffusion) then
          step = c(i, k, j + 1, now, m) - c(i, k, j, now, m)
          if (land) step = merge(step, 0.0_rk, k >= g%floor_v(i, j + 1))
          north = north - diffusivity * g%inverse_dy * flow%width_v(i, j + 1) * step
        end if
        divergence(i, k, m) = g%inverse_area(j) * (flux(i + 1) - flux(i) + (north - south_flux(i, k, m)))
        south_flux(i, k, m) = north
      end do
    end subroutine tracer_fluxes

    !> Third-order upwind-biased face value, from the values on both sides and the steps before, at and after the face.
    pure real(rk) function face_value(velocity, upstream, downstream, before, step, after)
      real(rk), intent(in) :: velocity, upstream, downstream, before, step, after
      face_value = 0.5_rk * (upstream + downstream) - merge(step - before, after - step, velocity > 0.0_rk) * (1.0_rk / 6.0_rk)
    end function face_value

    !> W from the bottom upwards, and the tracers with it.
    subroutine finish
      real(rk) :: rise, upper, through, step, before, after
      integer :: under, over, above

      lower = 0.0_rk
      w(:, 1, j) = 0.0_rk
      do k = 1, g%nz
        land = k <= g%open_level(j) .and. g%open_level(j) > 1  ! a face reads one level below its own
        above = min(k + 1, g%nz)  ! W and its fluxes vanish on the moving boundary
        if (k < g%nz) then
          !$omp simd private(rise)
          do i = 1, nx
            rise = flow%total(i, j) * g%inverse_thickness(i, j)
            if (land) rise = merge(rise, 0.0_rk, k >= g%floor(i, j))
            w(i, k + 1, j) = w(i, k, j) + g%dr(k) * (rise - divergence(i, k, 0))
          end do
        end if
        under = max(k - 1, 1)
        over = min(k + 2, g%nz)
        do m = 1, p%n_tracers
          !$omp simd private(upper, through, step, before, after)
          do i = 1, nx
            step = ahead(i, above, row(0), m) - ahead(i, k, row(0), m)
            before = ahead(i, k, row(0), m) - ahead(i, under, row(0), m)
            after = ahead(i, over, row(0), m) - ahead(i, above, row(0), m)
            if (land) before = merge(before, 0.0_rk, k - 1 >= g%floor(i, j))
            through = merge(w(i, above, j), 0.0_rk, k < g%nz)
            upper = through * face_value(through, ahead(i, k, row(0), m), ahead(i, above, row(0), m), before, step, after)
            step = (column%stretching(i, j) * c(i, k, j, now, m) &
                    - dt * (divergence(i, k, m) + g%inverse_dr(k) * (upper - lower(i, m)))) * inverse_new(i, j)
            if (land) step = merge(step, c(i, k, j, now, m), k >= g%floor(i, j))
            c(i, k, j, two, m) = step
            lower(i, m) = upper
          end do
        end do
      end do
      call fill_rows(g, g%nz, w(:, :, j))
      do m = 1, p%n_tracers
        call fill_rows(g, g%nz, c(:, :, j, two, m))
      end do
      if (split) then
        call fill_rows(g, g%nz, u(:, :, j))
        call fill_rows(g, g%nz, v(:, :, j))
      end if
    end subroutine finish
  end subroutine step_tracers
end module transport
