package io.github.dl4jstepsize;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.RmsPropUpdater;
import org.nd4j.linalg.learning.config.RmsProp;

/**
 * Adam without a first moment: RMSProp whose average of squared gradients begins at 0 and is corrected for that bias.
 * DL4J's begins at epsilon and is not corrected.
 */
final class CorrectedRmsProp extends RmsProp {

    private static final long serialVersionUID = 1;

    CorrectedRmsProp(double beta2, double epsilon) {
        super(1.0, beta2, epsilon);
    }

    @Override
    public GradientUpdater<?> instantiate(INDArray viewArray, boolean initializeViewArray) {
        if (initializeViewArray) {
            viewArray.assign(0);
        }
        RmsPropUpdater updater = new CorrectingUpdater(this);
        updater.setStateViewArray(viewArray, new long[]{viewArray.length()}, viewArray.ordering(), false);
        return updater;
    }

    @Override
    public RmsProp clone() {
        return new CorrectedRmsProp(getRmsDecay(), getEpsilon());
    }

    private static final class CorrectingUpdater extends RmsPropUpdater {

        private final double beta2;
        private final double epsilon;

        private CorrectingUpdater(CorrectedRmsProp settings) {
            super(settings.clone());
            beta2 = settings.getRmsDecay();
            epsilon = settings.getEpsilon();
        }

        @Override
        public void applyUpdater(INDArray gradient, int iteration, int epoch) {
            // g / (sqrt(v / c) + epsilon) = sqrt(c) g / (sqrt(v) + epsilon sqrt(c))
            double root = Math.sqrt(1 - Math.pow(beta2, iteration + 1));
            getConfig().setLearningRate(root);
            getConfig().setEpsilon(epsilon * root);
            super.applyUpdater(gradient, iteration, epoch);
        }
    }
}
