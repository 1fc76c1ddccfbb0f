package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.L4;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * L4, linearized loss-based optimal learning rate: the step follows from the value of the loss, on top of a momentum or
 * Adam direction. The formulas and the source are at {@link L4}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new L4Updater())
 *   new NeuralNetConfiguration.Builder().updater(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build())
 * }</pre>
 * No extra pass; the memory of one parameter vector for MOMENTUM, of two for ADAM, as with DL4J's Nesterovs and Adam.
 * The loss must not be negative. The losses of batches are compared with the smallest so far: they have to have one scale. DL4J's
 * losses of sequences are sums over time, so that batches of short and of long ones, or a truncated backpropagation whose last
 * segment is shorter than the others, let it diverge.
 */
@JsonDeserialize(builder = L4Updater.Builder.class)
public final class L4Updater extends StepSizeUpdater {

    /** What the update direction is made of. */
    public enum Direction {
        /** L4Mom: the averaged gradient. */
        MOMENTUM,
        /** L4Adam: the averaged gradient by the root of the averaged squared gradient. */
        ADAM
    }

    private static final long serialVersionUID = 1;

    private final Direction direction;
    private final double fraction;
    private final double minLossFactor;
    private final double initFactor;
    private final double forgetTime;
    private final double epsilon;
    private final double adamEpsilon;
    private final double gradientTimescale;
    private final double varianceTimescale;

    /** The recommended settings: L4Adam with the published defaults. */
    public L4Updater() {
        this(builder());
    }

    private L4Updater(Builder builder) {
        super(builder);
        direction = Check.given("direction", builder.direction);
        fraction = Check.positive("fraction", builder.fraction);
        minLossFactor = Check.fraction("minLossFactor", builder.minLossFactor);
        initFactor = Check.fraction("initFactor", builder.initFactor);
        forgetTime = Check.positive("forgetTime", builder.forgetTime);
        epsilon = Check.positive("epsilon", builder.epsilon);
        adamEpsilon = Check.positive("adamEpsilon", builder.adamEpsilon);
        gradientTimescale = Check.atLeastOne("gradientTimescale", builder.gradientTimescale);
        varianceTimescale = Check.atLeastOne("varianceTimescale", builder.varianceTimescale);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings, of L4Adam; for L4Mom set the direction. */
    public static Builder published() {
        return new Builder().direction(Direction.ADAM).fraction(0.15).minLossFactor(0.9).initFactor(0.75).forgetTime(1000)
                .epsilon(1e-12).adamEpsilon(1e-4).gradientTimescale(10).varianceTimescale(1000);
    }

    public Direction getDirection() {
        return direction;
    }

    public double getFraction() {
        return fraction;
    }

    public double getMinLossFactor() {
        return minLossFactor;
    }

    public double getInitFactor() {
        return initFactor;
    }

    public double getForgetTime() {
        return forgetTime;
    }

    public double getEpsilon() {
        return epsilon;
    }

    public double getAdamEpsilon() {
        return adamEpsilon;
    }

    public double getGradientTimescale() {
        return gradientTimescale;
    }

    public double getVarianceTimescale() {
        return varianceTimescale;
    }

    @Override
    StepRule newRule() {
        L4.Settings settings = new L4.Settings();
        settings.adam = direction == Direction.ADAM;
        settings.fraction = fraction;
        settings.minLossFactor = minLossFactor;
        settings.initFactor = initFactor;
        settings.forgetTime = forgetTime;
        settings.epsilon = epsilon;
        settings.gradientTimescale = gradientTimescale;
        return new L4(settings);
    }

    @Override
    IUpdater base() {
        return direction == Direction.MOMENTUM ? super.base()
                : new CorrectedAdam(1 - 1 / gradientTimescale, 1 - 1 / varianceTimescale, adamEpsilon);
    }

    @Override
    String averagedGradient() {
        return direction == Direction.MOMENTUM ? super.averagedGradient() : AdamUpdater.M_STATE;
    }

    /** Builds an {@link L4Updater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private Direction direction = Direction.ADAM;
        private double fraction = 0.15;
        private double minLossFactor = 0.9;
        private double initFactor = 0.75;
        private double forgetTime = 1000;
        private double epsilon = 1e-12;
        private double adamEpsilon = 1e-4;
        private double gradientTimescale = 10;
        private double varianceTimescale = 1000;

        private Builder() {
        }

        /** What the update direction is made of: momentum or Adam. */
        public Builder direction(Direction direction) {
            this.direction = direction;
            return this;
        }

        /** Fraction alpha of the way to the smallest attainable loss; greater than 0. The paper uses 0.1 to 0.3. */
        public Builder fraction(double fraction) {
            this.fraction = fraction;
            return this;
        }

        /** Part gamma of the smallest loss seen that is believed to be attainable; 0 or greater and less than 1. */
        public Builder minLossFactor(double minLossFactor) {
            this.minLossFactor = minLossFactor;
            return this;
        }

        /** The first smallest loss as a part of the first loss; 0 or greater and less than 1. */
        public Builder initFactor(double initFactor) {
            this.initFactor = initFactor;
            return this;
        }

        /** Time scale in steps in which the smallest loss is forgotten; greater than 0. */
        public Builder forgetTime(double steps) {
            this.forgetTime = steps;
            return this;
        }

        /** Added to the inner product of gradient and direction; greater than 0. */
        public Builder epsilon(double epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /** Added to the root of the averaged squared gradient (ADAM); greater than 0. */
        public Builder adamEpsilon(double adamEpsilon) {
            this.adamEpsilon = adamEpsilon;
            return this;
        }

        /** Steps over which the gradient is averaged; 1 (only the current one) or greater. */
        public Builder gradientTimescale(double steps) {
            this.gradientTimescale = steps;
            return this;
        }

        /** Steps over which the squared gradient is averaged (ADAM); 1 or greater. */
        public Builder varianceTimescale(double steps) {
            this.varianceTimescale = steps;
            return this;
        }

        @Override
        public L4Updater build() {
            return new L4Updater(this);
        }
    }
}
