package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Salsa;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * SaLSa, stable Armijo line search: the condition compares averages over iterations, and is checked the more rarely,
 * the steadier the step is. With Adam's direction (default) or the gradient. The formulas, the source and the
 * departures from the published code are at {@link Salsa}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new SalsaUpdater())
 *   new NeuralNetConfiguration.Builder().updater(SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build())
 * }</pre>
 * Costs one extra forward pass per trial in iterations that search, about one in ten once the step is steady. With
 * ADAM the memory of two parameter vectors, as Adam itself, and of two for the search; with SGD of one for the search.
 */
@JsonDeserialize(builder = SalsaUpdater.Builder.class)
public final class SalsaUpdater extends StepSizeUpdater {

    /** The direction that is searched and followed. */
    public enum Direction {
        /** Adam's, whose learning rate is searched. */
        ADAM,
        /** The gradient. */
        SGD
    }

    private static final long serialVersionUID = 1;

    private final Direction direction;
    private final double initialStep;
    private final double c;
    private final double beta1;
    private final double beta2;
    private final double beta3;
    private final double growth;
    private final double backtrack;
    private final boolean adaptiveFrequency;
    private final int maxInterval;
    private final boolean momentumInSearch;
    private final int maxTrials;
    private final boolean asPublished;

    /** The recommended settings. */
    public SalsaUpdater() {
        this(builder());
    }

    private SalsaUpdater(Builder builder) {
        super(builder);
        direction = Check.given("direction", builder.direction);
        initialStep = Check.positive("initialStep", builder.initialStep);
        c = Check.properFraction("c", builder.c != null ? builder.c : recommendedC(direction));
        beta1 = Check.fraction("beta1", builder.beta1);
        beta2 = Check.fraction("beta2", builder.beta2);
        beta3 = Check.fraction("beta3", builder.beta3);
        growth = Check.atLeastOne("growth", builder.growth != null ? builder.growth : recommendedGrowth(direction));
        backtrack = Check.properFraction("backtrack", builder.backtrack);
        adaptiveFrequency = builder.adaptiveFrequency;
        maxInterval = Check.between("maxInterval", builder.maxInterval, 1, Integer.MAX_VALUE);
        momentumInSearch = builder.momentumInSearch;
        maxTrials = Check.between("maxTrials", builder.maxTrials, 1, Integer.MAX_VALUE);
        asPublished = builder.asPublished;
    }

    /**
     * Along Adam's direction the published 0.5 forces rates of 2e-4, several times below good ones, while 0.1 lets a
     * convolutional network with BatchNorm take steps of 0.1. The gradient is most of the time the direction in which the
     * loss is most curved, and a step found on one batch is used on ten: 0.8 keeps to two fifths of the way to that
     * batch's minimum.
     */
    private static double recommendedC(Direction direction) {
        return direction == Direction.ADAM ? 0.3 : 0.8;
    }

    /**
     * Along the gradient the step follows every batch, and each refusal is one more pass: 1.05 in place of the published
     * 1.1 spares an eighth of all passes (0.48 in place of 0.54 per batch) at the same accuracy.
     */
    private static double recommendedGrowth(Direction direction) {
        return direction == Direction.ADAM ? 1.1 : 1.05;
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings and behaviour. */
    public static Builder published() {
        return new Builder().direction(Direction.ADAM).initialStep(1).c(0.5).beta1(0.9).beta2(0.999).beta3(0.9).growth(1.1)
                .backtrack(0.8).adaptiveFrequency(true).maxInterval(10).momentumInSearch(false).maxTrials(100)
                .asPublished(true);
    }

    public Direction getDirection() {
        return direction;
    }

    public double getInitialStep() {
        return initialStep;
    }

    public double getC() {
        return c;
    }

    public double getBeta1() {
        return beta1;
    }

    public double getBeta2() {
        return beta2;
    }

    public double getBeta3() {
        return beta3;
    }

    public double getGrowth() {
        return growth;
    }

    public double getBacktrack() {
        return backtrack;
    }

    public boolean isAdaptiveFrequency() {
        return adaptiveFrequency;
    }

    public int getMaxInterval() {
        return maxInterval;
    }

    public boolean isMomentumInSearch() {
        return momentumInSearch;
    }

    public int getMaxTrials() {
        return maxTrials;
    }

    public boolean isAsPublished() {
        return asPublished;
    }

    @Override
    StepRule newRule() {
        Salsa.Settings settings = new Salsa.Settings();
        settings.adam = direction == Direction.ADAM;
        settings.initialStep = initialStep;
        settings.c = c;
        settings.beta1 = beta1;
        settings.beta2 = beta2;
        settings.beta3 = beta3;
        settings.growth = growth;
        settings.backtrack = backtrack;
        settings.adaptiveFrequency = adaptiveFrequency;
        settings.maxInterval = maxInterval;
        settings.momentumInSearch = momentumInSearch;
        settings.maxTrials = maxTrials;
        settings.asPublished = asPublished;
        return new Salsa(settings);
    }

    /** Builds a {@link SalsaUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private Direction direction = Direction.ADAM;
        private double initialStep = 1;
        private Double c;
        private double beta1 = 0.9;
        private double beta2 = 0.999;
        private double beta3 = 0.9;
        private Double growth;
        private double backtrack = 0.8;
        private boolean adaptiveFrequency = true;
        private int maxInterval = 10;
        private boolean momentumInSearch;
        /** From the initial step to 1e-4, where deep networks begin; with the published 100 a hopeless batch costs 100 passes. */
        private int maxTrials = 40;
        private boolean asPublished;

        private Builder() {
        }

        /** The direction that is searched and followed. */
        public Builder direction(Direction direction) {
            this.direction = direction;
            return this;
        }

        /** The first search begins at growth times this step; greater than 0. */
        public Builder initialStep(double initialStep) {
            this.initialStep = initialStep;
            return this;
        }

        /**
         * Share of the decrease that a straight line would have which a step has to reach; greater than 0 and less
         * than 1. Unless given, 0.3 with ADAM and 0.8 with SGD.
         */
        public Builder c(double c) {
            this.c = c;
            return this;
        }

        /** Decay of the first moment of ADAM; 0 or greater and less than 1. */
        public Builder beta1(double beta1) {
            this.beta1 = beta1;
            return this;
        }

        /** Decay of the second moment of ADAM; 0 or greater and less than 1. */
        public Builder beta2(double beta2) {
            this.beta2 = beta2;
            return this;
        }

        /** Decay of the averaged decrease and slope; 0 or greater and less than 1. */
        public Builder beta3(double beta3) {
            this.beta3 = beta3;
            return this;
        }

        /** Factor on the step before a search; 1 or greater. Unless given, 1.1 for ADAM and 1.05 for SGD. */
        public Builder growth(double growth) {
            this.growth = growth;
            return this;
        }

        /** Factor b on a step that was refused; greater than 0 and less than 1. */
        public Builder backtrack(double backtrack) {
            this.backtrack = backtrack;
            return this;
        }

        /** Whether to search the more rarely, the steadier the step; otherwise in every iteration. */
        public Builder adaptiveFrequency(boolean adaptiveFrequency) {
            this.adaptiveFrequency = adaptiveFrequency;
            return this;
        }

        /** Most iterations from one search to the next; 1 or greater. */
        public Builder maxInterval(int maxInterval) {
            this.maxInterval = maxInterval;
            return this;
        }

        /** Whether ADAM searches along the direction with momentum, which it follows between searches. */
        public Builder momentumInSearch(boolean momentumInSearch) {
            this.momentumInSearch = momentumInSearch;
            return this;
        }

        /** Trials after which a search has failed; 1 or greater. */
        public Builder maxTrials(int maxTrials) {
            this.maxTrials = maxTrials;
            return this;
        }

        /** Whether to behave as the authors' code also where that is known to break; the rule lists how. */
        public Builder asPublished(boolean asPublished) {
            this.asPublished = asPublished;
            return this;
        }

        @Override
        public SalsaUpdater build() {
            return new SalsaUpdater(this);
        }
    }
}
