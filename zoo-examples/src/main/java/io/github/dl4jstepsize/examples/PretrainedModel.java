package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.zoo.PretrainedType;
import org.deeplearning4j.zoo.ZooModel;
import org.deeplearning4j.zoo.model.Darknet19;
import org.deeplearning4j.zoo.model.LeNet;
import org.deeplearning4j.zoo.model.ResNet50;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.deeplearning4j.zoo.model.VGG16;
import org.deeplearning4j.zoo.model.Xception;

import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** A model of DL4J's zoo, found by its name on the command line, and the images that its pretrained weights expect. */
final class PretrainedModel {

    private static final Map<String, PretrainedModel> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("lenet", new PretrainedModel(LeNet.builder().numClasses(10).build(), PretrainedType.MNIST, 1, 28));
        BY_NAME.put("squeezenet", new PretrainedModel(SqueezeNet.builder().numClasses(1000).build(), PretrainedType.IMAGENET, 3, 227));
        BY_NAME.put("resnet50", new PretrainedModel(ResNet50.builder().numClasses(1000).build(), PretrainedType.IMAGENET, 3, 224));
        BY_NAME.put("darknet19", new PretrainedModel(Darknet19.builder().numClasses(1000).build(), PretrainedType.IMAGENET, 3, 224));
        BY_NAME.put("vgg16", new PretrainedModel(VGG16.builder().numClasses(1000).build(), PretrainedType.IMAGENET, 3, 224));
        BY_NAME.put("xception", new PretrainedModel(Xception.builder().numClasses(1000).build(), PretrainedType.IMAGENET, 3, 299));
    }

    final int channels;
    final int side;

    private final ZooModel<?> model;
    private final PretrainedType pretrainedType;

    private PretrainedModel(ZooModel<?> model, PretrainedType pretrainedType, int channels, int side) {
        this.model = model;
        this.pretrainedType = pretrainedType;
        this.channels = channels;
        this.side = side;
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
