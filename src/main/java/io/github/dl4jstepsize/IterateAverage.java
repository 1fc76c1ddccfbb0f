package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;

/**
 * When an iterate goes into the average of the iterates, and with which weight: part of the updater state. Polynomial-decay
 * averaging with gamma = 8: O. Shamir, T. Zhang, "Stochastic gradient descent for non-smooth optimization", 2013; M. Ivgi et al.,
 * "DoG is SGD's best friend", 2023, has this gamma.
 */
final class IterateAverage {

    /** gamma + 1: the average weighs the last ninth of the iterates most, with weight 9/(t + 8) on iterate t. */
    private static final double AVERAGED_PART = 9;
    /** Every iterate goes into the average at first, every second one from here on, every third from twice here on ... */
    private static final int ITERATES_PER_GAP = 100;
    /** ... until the passes over the parameters do not matter any more. */
    private static final int LARGEST_GAP = 8;

    private int iterates;
    /** The one of them that went into the average last. */
    private int averaged;

    boolean isEmpty() {
        return averaged == 0;
    }

    /** Whether the next iterate goes into the average. */
    boolean isDue() {
        int next = iterates + 1;
        return next - averaged >= Math.min(LARGEST_GAP, 1 + next / ITERATES_PER_GAP);
    }

    /** Called with every iterate. */
    void take(BlockVector iterate, BlockVector average) {
        boolean isDue = isDue();
        iterates++;
        if (isDue) {
            double older = 1;
            for (int t = averaged + 1; t <= iterates; t++) {
                older *= 1 - Math.min(1, AVERAGED_PART / (t + AVERAGED_PART - 1));
            }
            averaged = iterates;
            average.scale(older);
            average.add(1 - older, iterate);
        }
    }

    void state(Scalars scalars) {
        iterates = scalars.next(iterates);
        averaged = scalars.next(averaged);
    }
}
