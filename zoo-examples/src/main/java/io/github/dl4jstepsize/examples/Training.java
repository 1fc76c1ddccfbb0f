package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

import java.util.Locale;
import java.util.function.IntFunction;

/** Trains a network with a progress bar that shows loss and step size, and records both. */
final class Training {

    final Curve loss = new Curve();
    final Curve stepSize = new Curve();

    final Network network;

    Training(Network network) {
        this.network = network;
    }

    /**
     * @param name     what is shown before the bar
     * @param epochs   the number of epochs at which training is complete; those that the network has had already count
     * @param batches  number of batches in an epoch
     * @param data     the batches of each epoch
     * @param epochEnd called after each epoch
     */
    void run(String name, int epochs, int batches, IntFunction<? extends DataSetIterator> data, Runnable epochEnd) {
        int iterations = Math.max(0, epochs - network.epochs()) * batches;
        try (ProgressBar bar = Progress.bar(name, iterations, " batches")) {
            network.addListener(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    loss.add(iteration, network.loss());
                    stepSize.add(iteration, network.stepSize());
                    bar.step();
                    bar.setExtraMessage(String.format(Locale.ROOT, " loss %.3f step %.2g", network.loss(),
                            network.stepSize()));
                }
            });
            while (network.epochs() < epochs) {
                network.fit(data.apply(network.epochs()));
                epochEnd.run();
            }
        }
    }
}
