package io.github.dl4jstepsize;

/**
 * How steps become shorter as a training of known length goes on: a factor on every step of every method, which is 1 at
 * the beginning and goes to 0 at the end. Step sizes that are good for progress are too long for the last iterates,
 * which scatter around the minimum; the decay is worth more than the choice of the method. Methods that average by themselves
 * decay at the end only: by 20 times the factor, as soon as that is less than 1.
 *
 * @see StepSizeListener#epochs(int)
 * @see StepSizeListener#iterations(int)
 */
public enum Decay {

    /** 1 - progress. */
    LINEAR {
        @Override
        double factor(double progress) {
            return 1 - progress;
        }
    },
    /** (1 + cos(pi progress)) / 2. */
    COSINE {
        @Override
        double factor(double progress) {
            return (1 + Math.cos(Math.PI * progress)) / 2;
        }
    },
    /** Always 1. */
    NONE {
        @Override
        double factor(double progress) {
            return 1;
        }
    };

    /** @param progress part of the training that is done, from 0 to less than 1 */
    abstract double factor(double progress);
}
