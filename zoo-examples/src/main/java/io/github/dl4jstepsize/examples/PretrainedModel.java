package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.zoo.PretrainedType;
import org.deeplearning4j.zoo.ZooModel;
import org.deeplearning4j.zoo.model.Darknet19;
import org.deeplearning4j.zoo.model.LeNet;
import org.deeplearning4j.zoo.model.ResNet50;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.deeplearning4j.zoo.model.VGG16;
import org.deeplearning4j.zoo.model.VGG19;
import org.deeplearning4j.zoo.model.Xception;

import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A classifier of DL4J's zoo, found by its name on the command line, and the images that its pretrained weights expect:
 * most are Keras' weights, Darknet19's are Darknet's. NASNet is not among them, because DL4J 1.0.0-M2.1 cannot build it.
 */
final class PretrainedModel {

    private static final Map<String, PretrainedModel> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("lenet",
                new PretrainedModel(LeNet.builder().build(), PretrainedType.MNIST, 1, 28, Pixels.ZERO_TO_ONE));
        BY_NAME.put("squeezenet", imageNet(SqueezeNet.builder().build(), 227, Pixels.WITHOUT_MEANS));
        BY_NAME.put("resnet50", imageNet(ResNet50.builder().build(), 224, Pixels.WITHOUT_MEANS));
        BY_NAME.put("vgg16", imageNet(VGG16.builder().build(), 224, Pixels.WITHOUT_MEANS));
        BY_NAME.put("vgg19", imageNet(VGG19.builder().build(), 224, Pixels.WITHOUT_MEANS));
        BY_NAME.put("darknet19", imageNet(Darknet19.builder().build(), 224, Pixels.ZERO_TO_ONE));
        BY_NAME.put("xception", imageNet(Xception.builder().build(), 299, Pixels.MINUS_ONE_TO_ONE));
    }

    final int channels;
    final int side;
    final Pixels pixels;

    private final ZooModel<?> model;
    private final PretrainedType pretrainedType;

    private PretrainedModel(ZooModel<?> model, PretrainedType pretrainedType, int channels, int side, Pixels pixels) {
        this.model = model;
        this.pretrainedType = pretrainedType;
        this.channels = channels;
        this.side = side;
        this.pixels = pixels;
    }

    private static PretrainedModel imageNet(ZooModel<?> model, int side, Pixels pixels) {
        return new PretrainedModel(model, PretrainedType.IMAGENET, 3, side, pixels);
    }

    /** @throws InputException if there is no such model */
    static PretrainedModel named(String name) {
        PretrainedModel model = BY_NAME.get(name);
        if (model == null) {
            throw new InputException("there is no model \"" + name + "\"; the models are "
                    + String.join(", ", BY_NAME.keySet()));
        }
        return model;
    }

    /** The model with the weights that DL4J offers, fetched unless they are in DL4J's cache. */
    Model pretrained() {
        System.out.println("Pretrained weights: " + model.pretrainedUrl(pretrainedType));
        try {
            return model.initPretrained(pretrainedType);
        } catch (IOException | RuntimeException e) {
            throw new InputException("the pretrained weights of " + model.modelName() + " cannot be fetched; download "
                    + model.pretrainedUrl(pretrainedType) + " where there is a connection and name the file with --weights",
                    e);
        }
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BY_NAME.keySet().iterator();
        }
    }
}
