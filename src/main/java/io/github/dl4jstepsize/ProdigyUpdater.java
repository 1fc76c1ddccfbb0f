package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Prodigy;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * Prodigy: Adam whose learning rate is an estimate of the distance to the solution, which grows while the network trains.
 * The formulas, the source and the departures from the published code are at {@link Prodigy}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new ProdigyUpdater())
 *   net.addListeners(new StepSizeListener().decay(Decay.COSINE).epochs(30));        // as the authors do
 * }</pre>
 * The authors' results are with a learning rate that falls to 0: the decay takes its place.
 * <p>
 * {@code beta2} has to be greater than 0: the estimate forgets with its root. No extra pass; the memory of four parameter
 * vectors, twice that of Adam.
 */
@JsonDeserialize(builder = ProdigyUpdater.Builder.class)
public final class ProdigyUpdater extends AdamDirectionUpdater {

    private static final long serialVersionUID = 1;

    private final double initialDistance;
    private final double coefficient;
    private final double growth;
    private final boolean biasCorrection;
    private final boolean safeguardWarmup;

    /** The recommended settings: the published defaults. */
    public ProdigyUpdater() {
        this(builder());
    }

    private ProdigyUpdater(Builder builder) {
        super(builder);
        Check.properFraction("beta2", getBeta2());
        initialDistance = Check.positive("initialDistance", builder.initialDistance);
        coefficient = Check.positive("coefficient", builder.coefficient);
        growth = builder.growth;
        if (!(growth > 1)) {
            throw Check.out("growth", growth, "greater than 1");
        }
        biasCorrection = builder.biasCorrection;
        safeguardWarmup = builder.safeguardWarmup;
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings. */
    public static Builder published() {
        return new Builder().beta1(0.9).beta2(0.999).epsilon(1e-8).initialDistance(1e-6).coefficient(1)
                .growth(Double.POSITIVE_INFINITY).biasCorrection(false).safeguardWarmup(false);
    }

    public double getInitialDistance() {
        return initialDistance;
    }

    public double getCoefficient() {
        return coefficient;
    }

    public double getGrowth() {
        return growth;
    }

    public boolean isBiasCorrection() {
        return biasCorrection;
    }

    public boolean isSafeguardWarmup() {
        return safeguardWarmup;
    }

    @Override
    StepRule newRule() {
        Prodigy.Settings settings = new Prodigy.Settings();
        settings.beta1 = getBeta1();
        settings.beta2 = getBeta2();
        settings.epsilon = getEpsilon();
        settings.initialDistance = initialDistance;
        settings.coefficient = coefficient;
        settings.growth = growth;
        settings.biasCorrection = biasCorrection;
        settings.safeguardWarmup = safeguardWarmup;
        return new Prodigy(settings);
    }

    /** None: it is the rule that makes Adam's averages, of gradients that are weighed by the estimate. */
    @Override
    IUpdater base() {
        return new NoOp();
    }

    /** Builds a {@link ProdigyUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends AdamDirectionUpdater.Builder<Builder> {

        private double initialDistance = 1e-6;
        private double coefficient = 1;
        private double growth = Double.POSITIVE_INFINITY;
        private boolean biasCorrection;
        private boolean safeguardWarmup;

        private Builder() {
        }

        /** First estimate d0 of the distance, on the safe side; greater than 0. */
        public Builder initialDistance(double initialDistance) {
            this.initialDistance = initialDistance;
            return this;
        }

        /** Factor on the estimate, and with it on all steps: what the authors would tune first; greater than 0. */
        public Builder coefficient(double coefficient) {
            this.coefficient = coefficient;
            return this;
        }

        /** Largest growth of the estimate in one step, e.g. 1.02 for a warm-up; greater than 1, or infinite. */
        public Builder growth(double growth) {
            this.growth = growth;
            return this;
        }

        /** Whether to correct the bias of Adam's averages. */
        public Builder biasCorrection(boolean biasCorrection) {
            this.biasCorrection = biasCorrection;
            return this;
        }

        /**
         * Whether the sum that the estimate is divided by leaves out decay and bias correction, which makes smaller
         * estimates.
         */
        public Builder safeguardWarmup(boolean safeguardWarmup) {
            this.safeguardWarmup = safeguardWarmup;
            return this;
        }

        @Override
        public ProdigyUpdater build() {
            return new ProdigyUpdater(this);
        }
    }
}
