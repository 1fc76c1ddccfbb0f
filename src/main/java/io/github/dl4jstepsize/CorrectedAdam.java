package io.github.dl4jstepsize;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.Adam;

/**
 * Adam as in its paper's Algorithm 1: epsilon is added to the bias-corrected root. DL4J's adds it to the root before the
 * correction, which makes the early directions shorter.
 */
final class CorrectedAdam extends Adam {

    private static final long serialVersionUID = 1;

    CorrectedAdam(double beta1, double beta2, double epsilon) {
        super(1.0, beta1, beta2, epsilon);
    }

    @Override
    public GradientUpdater<?> instantiate(INDArray viewArray, boolean initializeViewArray) {
        AdamUpdater updater = new CorrectingUpdater(this);
        updater.setStateViewArray(viewArray, new long[]{viewArray.length() / 2}, viewArray.ordering(), initializeViewArray);
        return updater;
    }

    @Override
    public Adam clone() {
        return new CorrectedAdam(getBeta1(), getBeta2(), getEpsilon());
    }

    private static final class CorrectingUpdater extends AdamUpdater {

        private final double beta2;
        private final double epsilon;

        private CorrectingUpdater(CorrectedAdam settings) {
            super(settings.clone());
            beta2 = settings.getBeta2();
            epsilon = settings.getEpsilon();
        }

        @Override
        public void applyUpdater(INDArray gradient, int iteration, int epoch) {
            // sqrt(v / c) + epsilon = (sqrt(v) + epsilon sqrt(c)) / sqrt(c)
            getConfig().setEpsilon(epsilon * Math.sqrt(1 - Math.pow(beta2, iteration + 1)));
            super.applyUpdater(gradient, iteration, epoch);
        }
    }
}
