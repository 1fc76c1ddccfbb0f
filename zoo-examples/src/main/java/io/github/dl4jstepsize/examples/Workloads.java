package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.examples.Workload.Quality;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The workloads by their names on the command line. */
final class Workloads {

    private static final Map<String, Workload> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("digits-lenet", new Workload("UCI digits, the zoo's LeNet", 10, 32, Quality.ACCURACY,
                files -> Digits.load(), Networks::leNet));
        BY_NAME.put("digits-mlp", new Workload("UCI digits, perceptron 64-512-256-10", 12, 32, Quality.ACCURACY,
                files -> Digits.load(), Networks::perceptron));
        BY_NAME.put("fashion-mlp", new Workload("Fashion-MNIST, perceptron 784-512-256-10", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::perceptron));
        BY_NAME.put("fashion-cnn", new Workload("Fashion-MNIST, CNN with BatchNorm and dropout", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::convolutional));
        BY_NAME.put("fashion-resnet", new Workload("Fashion-MNIST, residual graph with BatchNorm", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.load(files.fashionMnist), Networks::residual));
        BY_NAME.put("rows-lstm", new Workload("Fashion-MNIST read row by row, LSTM", 3, 128, Quality.ACCURACY,
                files -> FashionMnist.asRows(FashionMnist.load(files.fashionMnist)), Networks::sequenceClassifier));
        BY_NAME.put("text-lstm", new Workload("Next character of a text, LSTM", 10, 32, Quality.ACCURACY,
                files -> Text.load(files.text), Networks::characterModel));
        BY_NAME.put("regression", new Workload("Diabetes progression, perceptron 10-64-64-1", 60, 32, Quality.R_SQUARED,
                files -> Diabetes.load(), Networks::regression));
        BY_NAME.put("ill-conditioned", new Workload("Regression of condition number 1e10, linear network 6-6-10", 20000,
                IllConditioned.SAMPLES, Quality.LOSS, files -> IllConditioned.load(), IllConditioned::network));
    }

    private Workloads() {
    }

    /** @throws InputException if there is no such workload */
    static Workload named(String name) {
        Workload workload = BY_NAME.get(name);
        if (workload == null) {
            throw new InputException("there is no workload \"" + name + "\"; the workloads are "
                    + String.join(", ", BY_NAME.keySet()));
        }
        return workload;
    }

    static List<String> names() {
        return List.copyOf(BY_NAME.keySet());
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return BY_NAME.keySet().iterator();
        }
    }
}
