package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Dog;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * DoG, distance over gradients: gradient descent whose step is the distance that the parameters have come by the root of
 * the sum of all squared gradients. The formulas and the source are at {@link Dog}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(DogUpdater.builder().averaging(true).build())
 * }</pre>
 * The authors judge the average of the iterates, not the last one, and call averaging crucial: train with
 * {@code averaging(true)} and evaluate {@link StepSizes#averaged}.
 * <p>
 * No extra pass; the memory of one parameter vector for the start.
 */
@JsonDeserialize(builder = DogUpdater.Builder.class)
public final class DogUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private final double initialDistance;
    private final double epsilon;

    /** The recommended settings: the published ones, with the larger of the initial distances that the authors name. */
    public DogUpdater() {
        this(builder());
    }

    private DogUpdater(Builder builder) {
        super(builder);
        initialDistance = Check.positive("initialDistance", builder.initialDistance);
        epsilon = Check.positive("epsilon", builder.epsilon);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings. */
    public static Builder published() {
        return new Builder().initialDistance(1e-6).epsilon(1e-8);
    }

    public double getInitialDistance() {
        return initialDistance;
    }

    public double getEpsilon() {
        return epsilon;
    }

    @Override
    StepRule newRule() {
        return new Dog(initialDistance, epsilon);
    }

    /** Builds a {@link DogUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private double initialDistance = 1e-4;
        private double epsilon = 1e-8;

        private Builder() {
        }

        /**
         * The distance that the parameters are said to have come before the first step, in units of 1 + |x_0|; greater
         * than 0. So small that the first steps do no harm: 1e-4, which the authors suggest for networks with
         * BatchNormalization; with 1e-6, their other one, the first hundreds of iterations lead nowhere.
         */
        public Builder initialDistance(double initialDistance) {
            this.initialDistance = initialDistance;
            return this;
        }

        /** Added to the sum of the squared gradients; greater than 0. */
        public Builder epsilon(double epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        @Override
        public DogUpdater build() {
            return new DogUpdater(this);
        }
    }
}
