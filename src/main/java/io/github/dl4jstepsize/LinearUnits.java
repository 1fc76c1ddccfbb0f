package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Set;

/** Which units are as large as their weights and inputs make them. */
final class LinearUnits {

    /** Where softplus and its like are straight, and an exponential does not overflow. */
    private static final double LARGE_INPUT = 50;
    /** A part of that: SELU's output is 1.05 times its input, bounded activations are far below, powers far above. */
    private static final double LARGEST_DEVIATION = 0.1;

    /** Subclasses lay out their weights in other ways. */
    private static final Set<Class<?>> CONVOLUTIONS =
            Set.of(ConvolutionLayer.class, Convolution1DLayer.class, Convolution3D.class);

    private LinearUnits() {
    }

    /** Whether its outputs are in proportion to its weights "W" and biases "b", but for the activation. */
    static boolean isLinear(TrainingConfig layer) {
        return layer instanceof OutputLayer || layer instanceof RnnOutputLayer
                || layer instanceof DenseLayer && !((DenseLayer) layer).hasLayerNorm() || CONVOLUTIONS.contains(layer.getClass());
    }

    /** Whether a layer's units are about as large as the sums of large inputs are. */
    static boolean letThrough(Trainable layer) {
        return isLinear(layer.getConfig())
                && letThrough(layer.getConfig(), ((FeedForwardLayer) layer.getConfig()).getNOut());
    }

    static boolean letThrough(Object layer, long units) {
        if (!(layer instanceof BaseLayer)) {
            return false;
        }
        // A whole row: there are activations that treat some units otherwise than others.
        INDArray row = Nd4j.valueArrayOf(new long[]{1, units}, LARGE_INPUT, DataType.FLOAT);
        INDArray deviations = ((BaseLayer) layer).getActivationFn().getActivation(row, false).sub(LARGE_INPUT);
        return deviations.amaxNumber().doubleValue() < LARGEST_DEVIATION * LARGE_INPUT;
    }
}
