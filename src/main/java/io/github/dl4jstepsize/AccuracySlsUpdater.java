package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.AccuracySls;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * l-SLS, a-SLS and sa-SLS: on every batch, the step along the gradient is shortened until the loss, the accuracy, or
 * a smooth version of the accuracy has improved enough. For networks with one output that classifies: softmax, or
 * sigmoid with loss XENT, per example or per time step, masked or not (metric LOSS: any network). The formulas, the
 * source and the departures from the published code are at {@link AccuracySls}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new AccuracySlsUpdater())
 *   new NeuralNetConfiguration.Builder().updater(AccuracySlsUpdater.builder()
 *           .metric(AccuracySlsUpdater.Metric.LOSS).build())
 * }</pre>
 * Costs one extra forward pass for the slope and one per trial, little more than two per iteration; the memory of one
 * parameter vector for the search. Searching on other batches costs copies of them, and passes at 0.
 * <p>
 * The recommended backtrack and growth are those of {@link SlsUpdater}, for its reasons; five trials bound what one batch
 * can do to the step. c is 0.8: an accuracy goes on rising where the loss has begun to rise again, and with 0.5 the steps
 * are so long that two of four runs of a small CNN ended at 64 and 69 %, where four with 0.8 ended at 76 to 78 %
 * ({@code ArmijoBenchmark}). epsilon is 1e-2: over the published 1e-4 a network with small gradients changes by less than
 * rounding errors. As long as the margins are small, the smooth accuracy leaves the search to the loss: the zoo's LeNet has
 * 88 % after 180 iterations instead of 72 %.
 */
@JsonDeserialize(builder = AccuracySlsUpdater.Builder.class)
public final class AccuracySlsUpdater extends BacktrackingUpdater {

    /** What the search looks at. */
    public enum Metric {
        /** l-SLS: the loss, whose slope is still a finite difference. */
        LOSS,
        /** a-SLS: the share of right answers. */
        ACCURACY,
        /**
         * sa-SLS: the mean of sigmoid(slopeFactor * margin), where the margin is the probability of the label less the largest
         * other one. As long as that is below sigmoid(0.2 min(slopeFactor, 1)), the loss; not as published.
         */
        SMOOTH_ACCURACY
    }

    /**
     * The batch that is searched on. Earlier batches that are kept for a search are not saved with the network: after
     * loading it, ANOTHER has its first search on the present batch, LARGE the next one on the batches since then.
     */
    public enum SearchBatch {
        /** The one that gave the gradient. */
        SAME,
        /** The one before it. */
        ANOTHER,
        /** The last ones with about 1,000 examples together, every {@code searchEvery}-th iteration. */
        LARGE
    }

    private static final long serialVersionUID = 1;
    private static final int MAX_TRIALS = 5;

    private final Metric metric;
    private final double slopeFactor;
    private final double epsilon;
    private final boolean normalized;
    private final SearchBatch searchBatch;
    private final int searchEvery;
    private final double c;

    /** The recommended settings. */
    public AccuracySlsUpdater() {
        this(builder());
    }

    private AccuracySlsUpdater(Builder builder) {
        super(builder);
        metric = Check.given("metric", builder.metric);
        slopeFactor = Check.positive("slopeFactor", builder.slopeFactor);
        epsilon = Check.positive("epsilon", builder.epsilon);
        normalized = builder.normalized;
        searchBatch = Check.given("searchBatch", builder.searchBatch);
        searchEvery = Check.between("searchEvery", builder.searchEvery, 1, Integer.MAX_VALUE);
        c = Check.properFraction("c", builder.c);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the settings and behaviour of the published code as used in the thesis. */
    public static Builder published() {
        return new Builder().metric(Metric.SMOOTH_ACCURACY).slopeFactor(1).epsilon(1e-4).normalized(false)
                .searchBatch(SearchBatch.SAME).searchEvery(1000).initialStep(1).c(0.1).backtrack(0.9).growth(2)
                .batchesPerEpoch(500).maxTrials(100).asPublished(true);
    }

    public Metric getMetric() {
        return metric;
    }

    public double getSlopeFactor() {
        return slopeFactor;
    }

    public double getEpsilon() {
        return epsilon;
    }

    public boolean isNormalized() {
        return normalized;
    }

    public SearchBatch getSearchBatch() {
        return searchBatch;
    }

    public int getSearchEvery() {
        return searchEvery;
    }

    public double getC() {
        return c;
    }

    @Override
    Objective objective() {
        switch (metric) {
            case ACCURACY:
                return ClassificationError.hard();
            case SMOOTH_ACCURACY:
                return ClassificationError.smooth(slopeFactor);
            default:
                return Objective.LOSS;
        }
    }

    @Override
    StepRule newRule() {
        AccuracySls.Settings settings = new AccuracySls.Settings();
        settings.stepwise = metric == Metric.ACCURACY;
        settings.slopeFactor = metric == Metric.SMOOTH_ACCURACY ? slopeFactor : 0;
        settings.epsilon = epsilon;
        settings.normalized = normalized;
        settings.searchBatch = AccuracySls.SearchBatch.valueOf(searchBatch.name());
        settings.searchEvery = searchEvery;
        settings.initialStep = getInitialStep();
        settings.c = c;
        settings.backtrack = getBacktrack();
        settings.growth = getGrowth();
        settings.maxStep = getMaxStep();
        settings.batchesPerEpoch = getBatchesPerEpoch();
        settings.maxTrials = getMaxTrials();
        settings.asPublished = isAsPublished();
        return new AccuracySls(settings);
    }

    /** Builds an {@link AccuracySlsUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends BacktrackingUpdater.Builder<Builder> {

        private Metric metric = Metric.SMOOTH_ACCURACY;
        private double slopeFactor = 1;
        private double epsilon = 1e-2;
        private boolean normalized;
        private SearchBatch searchBatch = SearchBatch.SAME;
        private int searchEvery = 1000;
        private double c = 0.8;

        private Builder() {
            super(MAX_TRIALS);
        }

        /** What the search looks at. */
        public Builder metric(Metric metric) {
            this.metric = metric;
            return this;
        }

        /** Factor on the margin within the sigmoid of SMOOTH_ACCURACY; greater than 0. */
        public Builder slopeFactor(double slopeFactor) {
            this.slopeFactor = slopeFactor;
            return this;
        }

        /** Distance of the finite difference, a length if {@code normalized}; greater than 0. Published 1e-4. */
        public Builder epsilon(double epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /** Whether steps and epsilon are lengths along the unit direction. */
        public Builder normalized(boolean normalized) {
            this.normalized = normalized;
            return this;
        }

        /** The batch that is searched on. */
        public Builder searchBatch(SearchBatch searchBatch) {
            this.searchBatch = searchBatch;
            return this;
        }

        /** Iterations from one search to the next, for LARGE; 1 or greater. */
        public Builder searchEvery(int searchEvery) {
            this.searchEvery = searchEvery;
            return this;
        }

        /**
         * Share of the decrease that a straight line would have which a step has to reach; greater than 0 and less
         * than 1.
         */
        public Builder c(double c) {
            this.c = c;
            return this;
        }

        @Override
        public AccuracySlsUpdater build() {
            return new AccuracySlsUpdater(this);
        }
    }
}
