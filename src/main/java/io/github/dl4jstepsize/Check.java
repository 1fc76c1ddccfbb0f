package io.github.dl4jstepsize;

/** Checks hyper-parameters: an IllegalArgumentException names the property, the value and the range. */
final class Check {

    private Check() {
    }

    /** value in ]0, infinity[ */
    static double positive(String property, double value) {
        return range(property, value, value > 0 && value < Double.POSITIVE_INFINITY, "greater than 0 and finite");
    }

    /** value in [0, infinity[ */
    static double notNegative(String property, double value) {
        return range(property, value, value >= 0 && value < Double.POSITIVE_INFINITY, "0 or greater and finite");
    }

    /** value in [0, 1[ */
    static double fraction(String property, double value) {
        return range(property, value, value >= 0 && value < 1, "0 or greater and less than 1");
    }

    /** value in ]0, 1[ */
    static double properFraction(String property, double value) {
        return range(property, value, value > 0 && value < 1, "greater than 0 and less than 1");
    }

    /** value in [1, infinity[ */
    static double atLeastOne(String property, double value) {
        return range(property, value, value >= 1 && value < Double.POSITIVE_INFINITY, "1 or greater and finite");
    }

    /** value in ]1, infinity[ */
    static double greaterThanOne(String property, double value) {
        return range(property, value, value > 1 && value < Double.POSITIVE_INFINITY, "greater than 1 and finite");
    }

    /** value in [minimum, maximum] */
    static int between(String property, int value, int minimum, int maximum) {
        if (value < minimum || value > maximum) {
            throw out(property, value, maximum == Integer.MAX_VALUE ? minimum + " or greater"
                    : "between " + minimum + " and " + maximum);
        }
        return value;
    }

    /** value is present */
    static <T> T given(String property, T value) {
        if (value == null) {
            throw out(property, "null", "given");
        }
        return value;
    }

    static IllegalArgumentException out(String property, Object value, String range) {
        return new IllegalArgumentException(property + " is " + value + ", but has to be " + range);
    }

    private static double range(String property, double value, boolean ok, String range) {
        if (!ok) {
            throw out(property, value, range);
        }
        return value;
    }
}
