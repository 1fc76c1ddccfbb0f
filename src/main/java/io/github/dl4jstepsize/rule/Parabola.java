package io.github.dl4jstepsize.rule;

/**
 * The parabola {@code l(s) = l(0) + slope * s + curvature * s^2} through two losses and a slope.
 * {@code curvature} is the coefficient of s², half the second derivative.
 */
final class Parabola {

    final double slope;
    final double curvature;

    Parabola(double slope, double curvature) {
        this.slope = slope;
        this.curvature = curvature;
    }

    /** From the rise of the loss over the distance {@code mu} and the slope at 0. */
    static Parabola through(double rise, double slope, double mu) {
        return new Parabola(slope, (rise - slope * mu) / (mu * mu));
    }

    boolean isFinite() {
        return Double.isFinite(slope) && Double.isFinite(curvature);
    }

    boolean descends() {
        return slope < 0;
    }

    boolean hasMinimumAhead() {
        return slope < 0 && curvature > 0;
    }

    /** Distance to the minimum, {@code -slope / (2 curvature)}; meaningful if {@link #hasMinimumAhead()}. */
    double minimum() {
        return -slope / (2 * curvature);
    }
}
