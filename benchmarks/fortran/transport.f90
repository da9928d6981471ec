!> Continuity and tracers in one pass over memory: flux through the levels, and each tracer one step later by
!> third-order upwind advection of its value extrapolated half a step ahead (dycore/equations/continuity.py, advection.py).
!>
!> Iteration j extrapolates the tracers of row j + 2 into a ring of four vertical slices, works out the fluxes
!> through the northern faces of row j (its southern ones are kept from before) and finishes row j. The new
!> tracer replaces its eldest value, which none needs any more: all stencils read the ring. Where x is divided, filtered
!> rows wait for each other: `transposed` holds their divergences, and they are finished after the pass.
module transport
  use precision, only: rk, real64
  use memory, only: zeros
  use grid_module, only: grid_type, halo
  use cases, only: parameters_type
  use column_module, only: column_type
  use polar_filter, only: filter_type
  use transposes, only: transpose_type
  use rows, only: close_row, choose_row, keep_row
  use halo_module, only: fill_rows
  use held_suarez_module, only: column_row, relax_row
  use transport_rows
  use momentum_rows, only: buoyancy_row
  use eddies, only: start_eddies, close_south, stratify, faces, stream_x, stream_y, flux_x, flux_y, across, inverse_n2
  use eddies_rows, only: residual_row, rise_row, add_row, add_across_row, across_row
  use implicit, only: solve_tracers
  use turbulence, only: mixed_type, step_energy
  implicit none
  private
  public :: step_tracers

  !> What carries mass and tracers (i, j).
  type, public :: flow_type
    real(rk), pointer, contiguous, dimension(:, :) :: width_u, width_v            ! m
    real(rk), pointer, contiguous, dimension(:, :) :: correction_u, correction_v  ! m/s, with substeps only
    real(rk), pointer, contiguous, dimension(:, :) :: total                       ! unit of r per s: minus dR/dt, filtered here
  end type flow_type

  real(rk), pointer, contiguous :: ahead(:, :, :, :) => null()  ! (i, k, row modulo 4, tracer)
  real(rk), pointer, contiguous :: south_transport(:, :)        ! (i, k) m2/s
  real(rk), pointer, contiguous :: south_flux(:, :, :)          ! (i, k, tracer)
  real(rk), pointer, contiguous :: divergence(:, :, :)          ! (i, k, 0 for mass or tracer)
  real(rk), pointer, contiguous :: lower(:, :)                  ! (i, tracer)
  real(rk), pointer, contiguous :: diffusivity_across(:, :)     ! (i, k) m2/s: at lower faces
  real(rk), pointer, contiguous :: buoyancy(:, :)               ! (i, k) m/s2: after the step
  real(rk), pointer, contiguous, dimension(:) :: transport_u, transport_v, flux, north, upper, upstream, downstream, rise, open_rise, inverse_new, inverse_scale, logarithm, moving

contains

  !> `change_u`, `change_v` (m/s) are first added to all levels of u and v where there are substeps. The new surface replaces
  !> its eldest value, too.
  subroutine step_tracers(g, p, filter, transposed, weights, column, flow, change_u, change_v, u, v, w, surface, c, now, one, two, mixed)
    type(grid_type), intent(in) :: g
    type(parameters_type), intent(in) :: p
    type(filter_type), intent(inout) :: filter
    type(transpose_type), intent(inout) :: transposed  ! of mass and tracers of each filtered row, and of its total
    real(rk), intent(in) :: weights(3)
    type(column_type), intent(in) :: column
    type(flow_type), intent(inout) :: flow
    real(rk), intent(in), dimension(g%far_west:g%far_east, g%far_south:g%far_north) :: change_u, change_v
    real(rk), intent(inout), dimension(g%west:g%east, g%nz, g%south:g%north) :: u, v, w
    real(rk), intent(inout) :: surface(g%far_west:g%far_east, g%far_south:g%far_north, 3)
    real(rk), intent(inout) :: c(g%west:g%east, g%nz, g%south:g%north, 3, p%n_tracers)
    integer, intent(in) :: now, one, two
    type(mixed_type), intent(inout) :: mixed  ! with turbulence only
    real(rk) :: dt, diffusivity, slope(2), reference(2)
    integer :: j, k, m, nx, unit, row(-1:2)
    logical :: split, diffusion, land, eddying

    nx = g%nx
    if (.not. associated(ahead)) then
      ahead(g%west:g%east, 1:g%nz, 0:3, 1:p%n_tracers) => zeros(g%stride * g%nz * 4 * p%n_tracers)
      south_transport(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
      south_flux(g%west:g%east, 1:g%nz, 1:p%n_tracers) => zeros(g%stride * g%nz * p%n_tracers)
      divergence(g%west:g%east, 1:g%nz, 0:p%n_tracers) => zeros(g%stride * g%nz * (1 + p%n_tracers))
      lower(g%west:g%east, 1:p%n_tracers) => zeros(g%stride * p%n_tracers)
      transport_u(g%west:g%east) => zeros(g%stride)
      transport_v(g%west:g%east) => zeros(g%stride)
      flux(g%west:g%east) => zeros(g%stride)
      north(g%west:g%east) => zeros(g%stride)
      upper(g%west:g%east) => zeros(g%stride)
      upstream(g%west:g%east) => zeros(g%stride)
      downstream(g%west:g%east) => zeros(g%stride)
      rise(g%west:g%east) => zeros(g%stride)
      open_rise(g%west:g%east) => zeros(g%stride)
      inverse_new(g%west:g%east) => zeros(g%stride)
      inverse_scale(g%west:g%east) => zeros(g%stride)
      logarithm(g%west:g%east) => zeros(g%stride)
      moving(g%west:g%east) => zeros(g%stride)
      diffusivity_across(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
      buoyancy(g%west:g%east, 1:g%nz) => zeros(g%stride * g%nz)
      if (allocated(p%eddies)) call start_eddies(g, p%n_tracers)
    end if
    dt = real(p%time_step, rk)
    diffusivity = real(p%diffusivity, rk)
    split = p%substeps > 1
    diffusion = p%diffusivity > 0.0_real64
    eddying = allocated(p%eddies)
    slope = real(p%buoyancy_slope, rk)
    reference = real(p%buoyancy_reference, rk)

    do j = merge(0, -1, g%at_south), 2
      call extrapolate(j)
    end do
    if (eddying) call stratify(g, slope, reference, 1, column%stretching(:, 1), c, now)
    if (g%at_south) then  ! nothing passes the boundary, wall or pole
      south_transport = 0.0_rk
      south_flux = 0.0_rk
      if (eddying) call close_south
    else
      j = 0
      if (eddying) then
        call stratify(g, slope, reference, 0, column%stretching(:, 0), c, now)
        call faces(g, p%eddies, p%n_tracers, 0, column%width_u, column%width_v, c, now)
      end if
      row = modulo([j - 1, j, j + 1, j + 2], 4)
      do k = 1, g%nz
        land = k < g%open_level(j)
        call mass_flux_north
        south_transport(1:nx, k) = transport_v(1:nx)
        if (eddying) call carry_north
        do m = 1, p%n_tracers
          call tracer_flux_north
          south_flux(1:nx, k, m) = north(1:nx)
        end do
      end do
    end if
    do j = 1, g%ny
      row = modulo([j - 1, j, j + 1, j + 2], 4)
      call extrapolate(j + 2)
      if (eddying) then
        call stratify(g, slope, reference, j + 1, column%stretching(:, j + 1), c, now)
        call faces(g, p%eddies, p%n_tracers, j, column%width_u, column%width_v, c, now)
      end if
      do k = 1, g%nz
        land = k < g%open_level(j)
        call mass_fluxes
        if (eddying) then
          call residual_row(nx + 1, g%dy * g%inverse_dr(k), stream_x(1:, k), stream_x(1:, k + 1), transport_u(1:))
          call carry_north
        end if
        do m = 1, p%n_tracers
          call tracer_fluxes
        end do
      end do
      if (g%split_x .and. filter%row(j) > 0) then
        unit = (p%n_tracers + 2) * filter%row(j)
        call transposed%put(unit, g%nx, flow%total(1:, j))
        do m = 0, p%n_tracers
          call transposed%put(unit - 1 - m, g%stride, divergence(1:, 1, m))
        end do
        cycle
      end if
      if (filter%row(j) > 0) then
        if (.not. split) call filter%apply(1, nx, flow%total(1:nx, j), filter%centres(:, filter%row(j)))
        do m = 0, p%n_tracers
          call filter%apply(g%nz, g%stride, divergence(1:, 1, m), filter%centres(:, filter%row(j)))
        end do
      end if
      call finish
    end do
    if (.not. g%split_x) return
    call transposed%run(filter)
    do j = 1, g%ny
      if (filter%row(j) == 0) cycle
      row = modulo([j - 1, j, j + 1, j + 2], 4)
      call extrapolate(j)
      unit = (p%n_tracers + 2) * filter%row(j)
      call transposed%get(unit, g%nx, flow%total(1:, j))
      do m = 0, p%n_tracers
        call transposed%get(unit - 1 - m, g%stride, divergence(1:, 1, m))
      end do
      call finish
    end do

  contains

    !> Tracers half a step ahead.
    subroutine extrapolate(to)
      integer, intent(in) :: to
      integer :: tracer

      do tracer = 1, p%n_tracers
        do k = 1, g%nz
          call extrapolate_row(nx + 2 * halo, weights, c(1 - halo, k, to, now, tracer), c(1 - halo, k, to, one, tracer), &
                               c(1 - halo, k, to, two, tracer), ahead(1 - halo:, k, modulo(to, 4), tracer))
        end do
      end do
    end subroutine extrapolate

    !> Transport per reference thickness (m2/s) through west and north faces of a level, and its divergence (1/s).
    subroutine mass_fluxes
      if (split) then
        call corrected_row(nx + 1, change_u(1, j), flow%correction_u(1:, j), flow%width_u(1:, j), u(1, k, j), transport_u(1:))
        if (land) then
          call close_row(nx + 1, k, g%floor_u(1, j), u(1, k, j))
          call close_row(nx + 1, k, g%floor_u(1, j), transport_u(1:))
        end if
      else
        call transport_row(nx + 1, flow%width_u(1:, j), u(1, k, j), transport_u(1:))
      end if
      call mass_flux_north
      call divergence_row(nx, g%inverse_area(j), transport_u(1:), transport_v(1:), south_transport(1:, k), divergence(1:, k, 0))
    end subroutine mass_fluxes

    subroutine mass_flux_north
      if (split) then
        call corrected_row(nx + 1, change_v(1, j + 1), flow%correction_v(1:, j + 1), flow%width_v(1:, j + 1), v(1, k, j + 1), transport_v(1:))
        if (land) then
          call close_row(nx + 1, k, g%floor_v(1, j + 1), v(1, k, j + 1))
          call close_row(nx + 1, k, g%floor_v(1, j + 1), transport_v(1:))
        end if
      else
        call transport_row(nx, flow%width_v(1:, j + 1), v(1, k, j + 1), transport_v(1:))
      end if
    end subroutine mass_flux_north

    !> What carries tracers through northern faces, from what carries mass.
    subroutine carry_north
      integer :: north
      north = modulo(j + 1, 2)
      call residual_row(nx, g%dx_v(j + 1) * g%inverse_dr(k), stream_y(1:, k, north), stream_y(1:, k + 1, north), transport_v(1:))
    end subroutine carry_north

    !> The horizontal divergence of tracer m on a level (its unit per s). Behind a closed face stands the last
    !> value before it.
    subroutine tracer_fluxes
      if (land) then
        call choose_row(nx + 1, k, g%floor_u(0, j), ahead(-1:, k, row(0), m), ahead(0:, k, row(0), m), upstream(1:))
        call choose_row(nx + 1, k, g%floor_u(2, j), ahead(2:, k, row(0), m), ahead(1:, k, row(0), m), downstream(1:))
        call flux_row(nx + 1, transport_u(1:), upstream(1:), ahead(0:, k, row(0), m), ahead(1:, k, row(0), m), downstream(1:), flux(1:))
      else
        call flux_row(nx + 1, transport_u(1:), ahead(-1:, k, row(0), m), ahead(0:, k, row(0), m), ahead(1:, k, row(0), m), &
                      ahead(2:, k, row(0), m), flux(1:))
      end if
      if (diffusion) then
        call diffusion_row(nx + 1, diffusivity * g%inverse_dx_u(j), flow%width_u(1:, j), c(0, k, j, now, m), c(1, k, j, now, m), flux(1:))
        ! Nothing passes closed faces: transport is zero there, and so must diffusion be.
        if (land) call close_row(nx + 1, k, g%floor_u(1, j), flux(1:))
      end if
      if (eddying) call add_row(nx + 1, flux_x(1:, k, m), flux(1:))
      call tracer_flux_north
      call divergence_row(nx, g%inverse_area(j), flux(1:), north(1:), south_flux(1:, k, m), divergence(1:, k, m))
    end subroutine tracer_fluxes

    subroutine tracer_flux_north
      if (land) then
        call choose_row(nx, k, g%floor_v(1, j), ahead(1:, k, row(-1), m), ahead(1:, k, row(0), m), upstream(1:))
        call choose_row(nx, k, g%floor_v(1, j + 2), ahead(1:, k, row(2), m), ahead(1:, k, row(1), m), downstream(1:))
        call flux_row(nx, transport_v(1:), upstream(1:), ahead(1:, k, row(0), m), ahead(1:, k, row(1), m), downstream(1:), north(1:))
      else
        call flux_row(nx, transport_v(1:), ahead(1:, k, row(-1), m), ahead(1:, k, row(0), m), ahead(1:, k, row(1), m), &
                      ahead(1:, k, row(2), m), north(1:))
      end if
      if (diffusion) then
        call diffusion_row(nx, diffusivity * g%inverse_dy, flow%width_v(1:, j + 1), c(1, k, j, now, m), c(1, k, j + 1, now, m), north(1:))
        if (land) call close_row(nx, k, g%floor_v(1, j + 1), north(1:))
      end if
      if (eddying) call add_row(nx, flux_y(1:, k, m), north(1:))
    end subroutine tracer_flux_north

    !> The surface, W from the bottom upwards, and the tracers with it.
    subroutine finish
      surface(1:nx, j, two) = surface(1:nx, j, now) - dt * flow%total(1:nx, j)
      inverse_new(1:nx) = 1.0_rk / ((surface(1:nx, j, two) - g%fixed(1:nx, j)) * g%inverse_thickness(1:nx, j))
      lower = 0.0_rk
      rise(1:nx) = flow%total(1:nx, j) * g%inverse_thickness(1:nx, j)
      if (allocated(p%forcing)) call column_row(nx, column%stretching(1:, j), column%scale(1:, j), inverse_scale(1:), logarithm(1:))
      w(:, 1, j) = 0.0_rk
      do k = 1, g%nz
        land = k <= g%open_level(j) .and. g%open_level(j) > 1  ! a face reads one level below its own
        if (k == 1 .or. land) open_rise = rise
        if (land) call close_row(nx, k, g%floor(1, j), open_rise(1:))
        if (allocated(p%forcing)) call relax
        if (allocated(p%surface_target) .and. k == g%nz) &
          call relax_surface_row(nx, real(p%surface_rate, rk), real(p%surface_target(g%before_j + j), rk), column%stretching(1:, j), c(1, k, j, now, 1), &
                                 divergence(1:, k, 1))
        if (k < g%nz) call continuity_row(nx, g%dr(k), open_rise(1:), divergence(1:, k, 0), w(1, k, j), w(1, k + 1, j))
        if (eddying .and. k < g%nz) call rise_of_tracers
        do m = 1, p%n_tracers
          if (k == g%nz) then  ! nothing passes the moving boundary
            upper = 0.0_rk
          else if (land) then
            call choose_row(nx, k - 1, g%floor(1, j), ahead(1:, max(k - 1, 1), row(0), m), ahead(1:, k, row(0), m), upstream(1:))
            call flux_upwards(upstream(1:nx))
          else
            call flux_upwards(ahead(1:nx, max(k - 1, 1), row(0), m))
          end if
          call tracer_row(nx, dt, g%inverse_dr(k), column%stretching(1:, j), inverse_new(1:), divergence(1:, k, m), upper(1:), &
                          lower(1:, m), c(1, k, j, now, m), c(1, k, j, two, m))
          if (land) call keep_row(nx, k, g%floor(1, j), c(1, k, j, now, m), c(1, k, j, two, m))
        end do
      end do
      if (allocated(p%turbulence)) call mix_row
      call fill_rows(g, g%nz, w(:, :, j))
      do m = 1, p%n_tracers
        call fill_rows(g, g%nz, c(:, :, j, two, m))
      end do
      if (split) then
        call fill_rows(g, g%nz, u(:, :, j))
        call fill_rows(g, g%nz, v(:, :, j))
      end if
    end subroutine finish

    !> Through the upper faces of level k, from the values of the level below it and from there upwards.
    subroutine flux_upwards(below)
      real(rk), intent(in) :: below(nx)

      if (.not. eddying) then
        call flux_row(nx, w(1, k + 1, j), below, ahead(1:, k, row(0), m), ahead(1:, k + 1, row(0), m), ahead(1:, min(k + 2, g%nz), row(0), m), upper(1:))
        return
      end if
      call flux_row(nx, moving(1:), below, ahead(1:, k, row(0), m), ahead(1:, k + 1, row(0), m), ahead(1:, min(k + 2, g%nz), row(0), m), upper(1:))
      call add_across_row(nx, -0.25_rk * g%inverse_distance(k + 1) * g%inverse_area(j), across(1:, k + 1, m, modulo(j, 2)), upper(1:))
      if (land) call close_row(nx, k, g%floor(1, j), upper(1:))
    end subroutine flux_upwards

    subroutine rise_of_tracers
      integer :: here
      here = modulo(j, 2)
      call rise_row(nx, g%inverse_area(j), g%dy, g%dx_v(j), g%dx_v(j + 1), stream_x(1:, k + 1), stream_y(1:, k + 1, here), &
                    stream_y(1:, k + 1, 1 - here), w(1, k + 1, j), moving(1:))
    end subroutine rise_of_tracers

    !> Tracers mixed across the levels, and then the energy that mixes them.
    subroutine mix_row
      integer :: here

      here = modulo(j, 2)
      do k = 2, g%nz
        if (eddying) then
          call across_row(nx, -0.25_rk * g%inverse_distance(k) * g%inverse_area(j), across(1:, k, 0, here), inverse_n2(1:, k, here), &
                          mixed%diffusivity(1:, k, j), diffusivity_across(1:, k))
          if (k - 1 < g%open_level(j)) call close_row(nx, k - 1, g%floor(1, j), diffusivity_across(1:, k))
        else
          diffusivity_across(1:nx, k) = mixed%diffusivity(1:nx, k, j)
        end if
      end do
      call solve_tracers(g, p%n_tracers, dt, inverse_new, diffusivity_across, j, two, c)
      do k = 1, g%nz
        call buoyancy_row(nx, slope(1), reference(1), c(1, k, j, two, 1), buoyancy(1:, k), .false.)
        call buoyancy_row(nx, slope(2), reference(2), c(1, k, j, two, 2), buoyancy(1:, k), .true.)
      end do
      call step_energy(g, p%turbulence, p%time_step, j, column%stretching(:, j), buoyancy, u(:, :, j), v(:, :, j), v(:, :, j + 1), mixed)
      call fill_rows(g, g%nz, mixed%energy(:, :, j))
    end subroutine mix_row

    !> The first tracer is potential temperature.
    subroutine relax
      associate (f => p%forcing, all_j => g%before_j + j)
        call relax_row(nx, real(f%rate(k, all_j), rk), real(f%cold(k), rk), real(f%warm(k, all_j), rk), real(f%fall(all_j), rk), &
                       column%stretching(1:, j), inverse_scale(1:), logarithm(1:), c(1, k, j, now, 1), divergence(1:, k, 1))
      end associate
    end subroutine relax
  end subroutine step_tracers
end module transport
