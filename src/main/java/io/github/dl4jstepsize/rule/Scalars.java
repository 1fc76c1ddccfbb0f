package io.github.dl4jstepsize.rule;

/**
 * Carries scalars to storage or back: the visited object hands over each field's value and takes the returned one, as in
 * {@code count = scalars.next(count)}. Storing returns the value unchanged, loading returns the stored one. One method
 * thus declares, saves and restores a state.
 */
public interface Scalars {

    /** Visits the next number. */
    double next(double value);

    /** Visits the next integer. */
    default int next(int value) {
        return (int) Math.round(next((double) value));
    }

    /** Visits the next truth value. */
    default boolean next(boolean value) {
        return next(value ? 1.0 : 0.0) >= 0.5;
    }

    /** Visits all elements of an array of fixed length. */
    default void next(double[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = next(values[i]);
        }
    }
}
