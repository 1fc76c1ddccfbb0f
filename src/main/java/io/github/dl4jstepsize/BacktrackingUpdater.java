package io.github.dl4jstepsize;

/**
 * Base of {@link SlsUpdater} and {@link AccuracySlsUpdater}, which begin with a step a little longer than the last one
 * and shorten it until it is acceptable: their common properties.
 */
public abstract class BacktrackingUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private static final double INITIAL_STEP = 1;

    private final double initialStep;
    private final double backtrack;
    private final double growth;
    private final double maxStep;
    private final int batchesPerEpoch;
    private final int maxTrials;
    private final boolean asPublished;

    BacktrackingUpdater(Builder<?> builder) {
        super(builder);
        backtrack = Check.properFraction("backtrack", builder.backtrack);
        growth = Check.atLeastOne("growth", builder.growth);
        maxStep = Check.positive("maxStep", builder.maxStep);
        initialStep = Check.positive("initialStep",
                builder.initialStep == null ? Math.min(INITIAL_STEP, maxStep) : builder.initialStep);
        batchesPerEpoch = Check.between("batchesPerEpoch", builder.batchesPerEpoch, 0, Integer.MAX_VALUE);
        maxTrials = Check.between("maxTrials", builder.maxTrials, 1, Integer.MAX_VALUE);
        asPublished = builder.asPublished;
        if (initialStep > maxStep && !asPublished) {
            throw Check.out("initialStep", initialStep, "at most maxStep, " + maxStep);
        }
    }

    public final double getInitialStep() {
        return initialStep;
    }

    public final double getBacktrack() {
        return backtrack;
    }

    public final double getGrowth() {
        return growth;
    }

    public final double getMaxStep() {
        return maxStep;
    }

    public final int getBatchesPerEpoch() {
        return batchesPerEpoch;
    }

    public final int getMaxTrials() {
        return maxTrials;
    }

    public final boolean isAsPublished() {
        return asPublished;
    }

    /** The common properties of a builder. */
    public abstract static class Builder<B extends Builder<B>> extends StepSizeUpdater.Builder<B> {

        /** Null: 1, or maxStep if that is less. */
        private Double initialStep;
        private double backtrack = 0.5;
        private double growth = 1000;
        private double maxStep = 10;
        private int batchesPerEpoch;
        private int maxTrials;
        private boolean asPublished;

        Builder(int maxTrials) {
            this.maxTrials = maxTrials;
        }

        /**
         * First step that is tried; greater than 0 and, unless asPublished, at most maxStep. 1 unless set, or maxStep if that
         * is less.
         */
        public B initialStep(double initialStep) {
            this.initialStep = initialStep;
            return self();
        }

        /** Factor b on a step that was refused; greater than 0 and less than 1. */
        public B backtrack(double backtrack) {
            this.backtrack = backtrack;
            return self();
        }

        /** Factor gamma by which the step grows in an epoch; 1 or greater. */
        public B growth(double growth) {
            this.growth = growth;
            return self();
        }

        /** Longest step; greater than 0. */
        public B maxStep(double maxStep) {
            this.maxStep = maxStep;
            return self();
        }

        /** Batches over which the step grows by gamma; 0 to count those of an epoch (100 in the first). */
        public B batchesPerEpoch(int batchesPerEpoch) {
            this.batchesPerEpoch = batchesPerEpoch;
            return self();
        }

        /** Trials after which a search has failed; 1 or greater. */
        public B maxTrials(int maxTrials) {
            this.maxTrials = maxTrials;
            return self();
        }

        /** Whether to behave as the authors' code also where that is known to break; the rule lists how. */
        public B asPublished(boolean asPublished) {
            this.asPublished = asPublished;
            return self();
        }
    }
}
