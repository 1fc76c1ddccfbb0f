package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.stream.IntStream;

/**
 * How large the sums are to become that a layer's weights make: the root mean square, in a batch, of what each unit's targets are
 * beside its bias, those that a mask leaves out aside, at least 1. Prices or years ask for larger weights than a network begins
 * with, unless its biases begin at their mean.
 * <p>
 * It is known for output layers, and for dense layers and convolutions directly before a loss layer, if their activation lets
 * large numbers through: to targets beyond a bounded output, larger weights do not lead.
 */
final class TargetSize {

    /** Weights need not become smaller where targets are small. */
    private static final double SMALLEST = 1;

    private TargetSize() {
    }

    /** @return a number for each of the layer's units; null if it is not known, or if the labels are not numbers for each */
    static INDArray of(Trainable layer, ForwardPass pass) {
        int output = pass.outputOf(layer);
        if (output < 0 || !LinearUnits.isLinear(layer.getConfig())) {
            return null;
        }
        Layer outputLayer = pass.outputLayers()[output].conf().getLayer();
        INDArray labels = pass.current().labels[output];
        int units = dimensionOfUnits(outputLayer, labels);
        long count = ((FeedForwardLayer) layer.getConfig()).getNOut();
        if (labels.size(units) != count || !LinearUnits.letThrough(layer.getConfig(), count)
                || !LinearUnits.letThrough(outputLayer, count)) {
            return null;
        }
        INDArray numbers = besideBiases(FanIn.inFloatingPoint(labels), layer, units);
        INDArray counted = counted(numbers, pass.labelMask(output), units);
        if (counted == null) {
            return null;
        }
        return Transforms.max(rootMeanSquares(numbers, counted, units), SMALLEST);
    }

    private static INDArray besideBiases(INDArray numbers, Trainable layer, int units) {
        INDArray biases = layer.paramTable(false).get(DefaultParamInitializer.BIAS_KEY);
        return biases == null ? numbers
                : Broadcast.sub(numbers, biases.reshape(biases.length()).castTo(numbers.dataType()), numbers.ulike(), units);
    }

    /**
     * @param counted 1 for the numbers that count and 0 for the others
     * @return along a dimension, over all others; 0 where nothing counts
     */
    static INDArray rootMeanSquares(INDArray numbers, INDArray counted, int along) {
        int[] others = IntStream.range(0, numbers.rank()).filter(dimension -> dimension != along).toArray();
        INDArray counts = Transforms.max(counted.sum(others), 1);
        return numbers.mul(counted).norm2(others).div(Transforms.sqrt(counts));
    }

    private static int dimensionOfUnits(Layer output, INDArray labels) {
        boolean last = output instanceof RnnOutputLayer && ((RnnOutputLayer) output).getRnnDataFormat() == RNNFormat.NWC
                || output instanceof RnnLossLayer && ((RnnLossLayer) output).getRnnDataFormat() == RNNFormat.NWC
                || output instanceof CnnLossLayer && ((CnnLossLayer) output).getFormat() == CNN2DFormat.NHWC
                || output instanceof Cnn3DLossLayer
                        && ((Cnn3DLossLayer) output).getDataFormat() == Convolution3D.DataFormat.NDHWC;
        return last ? labels.rank() - 1 : 1;
    }

    /** 1 for the targets that count and 0 for the others; null if the mask is of a kind that is not known here. */
    private static INDArray counted(INDArray numbers, INDArray mask, int units) {
        if (mask == null) {
            return Nd4j.onesLike(numbers);
        }
        INDArray shaped = numbers.rank() == 3 && mask.rank() == 2 ? ofSequences(mask, numbers, units) : mask;
        boolean fits = shaped.rank() == numbers.rank() && IntStream.range(0, numbers.rank())
                .allMatch(dimension -> shaped.size(dimension) == 1 || shaped.size(dimension) == numbers.size(dimension));
        return fits ? shaped.castTo(numbers.dataType()).broadcast(numbers.shape()) : null;
    }

    /** The mask with one unit in the place of all; as it is if it has not a number for every step of time. */
    private static INDArray ofSequences(INDArray mask, INDArray numbers, int units) {
        long[] shape = numbers.shape().clone();
        shape[units] = 1;
        if (mask.length() != shape[0] * shape[1] * shape[2]) {
            return mask;
        }
        // Layers make a column, step by step of time, of a mask that has a row per example.
        INDArray rows = mask.size(0) == shape[0] ? mask : mask.reshape('f', shape[0], mask.length() / shape[0]);
        return rows.reshape('c', shape);
    }
}
