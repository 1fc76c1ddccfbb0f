package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;

import java.util.List;
import java.util.function.Predicate;

import static io.github.dl4jstepsize.ForwardPass.isFrozen;

/**
 * Whether a normalization undoes a factor on a layer's weights: then only their direction counts (T. van Laarhoven, "L2
 * regularization versus batch and weight normalization", 2017).
 */
final class Normalization {

    private Normalization() {
    }

    /**
     * Whether the network computes the same with all weights of the layer multiplied with a positive number; and its bias, unless
     * the normalization is within the layer, which adds it afterwards.
     */
    static boolean undoesScaleOf(Trainable layer, ForwardPass pass) {
        return isWithin(layer) || isHomogeneous(layer)
                && follows(layer, pass, reader -> isHomogeneous(reader) && addsNothing(reader));
    }

    static boolean isWithin(Trainable layer) {
        return layer.getConfig() instanceof DenseLayer && ((DenseLayer) layer.getConfig()).hasLayerNorm();
    }

    /** Whether a normalization follows behind an activation of any kind. */
    static boolean followsActivationOf(Trainable layer, ForwardPass pass) {
        return follows(layer, pass, reader -> reader.getConfig() instanceof Layer);
    }

    /** Whether BatchNormalizations are all that reads the layer, as it is or through such layers without parameters. */
    private static boolean follows(Trainable layer, ForwardPass pass, Predicate<Trainable> through) {
        List<Trainable> readers = pass.readersOf(layer);
        return !readers.isEmpty() && readers.stream().allMatch(reader -> normalizes(reader)
                || reader.numParams() == 0 && through.test(reader) && follows(reader, pass, through));
    }

    /** A frozen BatchNormalization has statistics of its own. */
    static boolean normalizes(Trainable layer) {
        return layer.getConfig() instanceof BatchNormalization && !isFrozen(layer) && addsNothing(layer);
    }

    /** Whether what the layer does to its input in training is nothing, or the common dropout: others may add something. */
    private static boolean addsNothing(Trainable layer) {
        IDropout dropout = ((Layer) layer.getConfig()).getIDropout();
        return dropout == null || dropout instanceof Dropout;
    }

    /** Whether f(a x) = a f(x) for a > 0, biases aside. */
    private static boolean isHomogeneous(Trainable layer) {
        if (layer.getConfig() instanceof DenseLayer || layer.getConfig() instanceof ConvolutionLayer) {
            return isHomogeneous(((BaseLayer) layer.getConfig()).getActivationFn());
        }
        if (layer.getConfig() instanceof ActivationLayer) {
            return isHomogeneous(((ActivationLayer) layer.getConfig()).getActivationFn());
        }
        return layer.getConfig() instanceof SubsamplingLayer || layer.getConfig() instanceof ZeroPaddingLayer
                || layer.getConfig() instanceof DropoutLayer;
    }

    private static boolean isHomogeneous(IActivation activation) {
        // A rectifier may have a maximum and a threshold.
        return activation instanceof ActivationIdentity || activation instanceof ActivationLReLU
                || new ActivationReLU().equals(activation);
    }
}
