!> Functions of profiles, one number at a time. The compiler has others for vectors, and chooses by the distance of two arrays in
!> memory which it takes for a few levels: then results would depend on where memory was had.
module functions
  use precision, only: real64
  implicit none
  private
  public :: power, cosine, exponential

contains

  elemental real(real64) function power(base, exponent)
    real(real64), intent(in) :: base, exponent
    power = base**exponent
  end function power

  elemental real(real64) function cosine(angle)
    real(real64), intent(in) :: angle
    cosine = cos(angle)
  end function cosine

  elemental real(real64) function exponential(x)
    real(real64), intent(in) :: x
    exponential = exp(x)
  end function exponential
end module functions
