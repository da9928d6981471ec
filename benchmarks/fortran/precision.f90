!> The precision of the whole program, chosen when it is compiled: -DREAL_KIND=real32 or real64.
module precision
  use, intrinsic :: iso_fortran_env, only: real32, real64
  implicit none
  private
  public :: real64

#ifndef REAL_KIND
#define REAL_KIND real64
#endif
  integer, parameter, public :: rk = REAL_KIND
  character(*), parameter, public :: precision_name = merge("float32", "float64", rk == real32)
  real(real64), parameter, public :: pi = acos(-1.0_real64)
end module precision
